//! The measures of evidence, one type each, so that a p-value, an e-value and a distance can never
//! be compared with one another by accident.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::OutOfRange;

/// The probability of a false alarm that the caller accepts, in (0, 1).
///
/// ```
/// use mlops_core::evidence::SignificanceLevel;
/// let alpha = SignificanceLevel::new(0.05)?;
/// assert_eq!(alpha.get(), 0.05);
/// assert!(SignificanceLevel::new(0.0).is_err());
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct SignificanceLevel(f64);

impl SignificanceLevel {
    /// One in twenty.
    pub const FIVE_PERCENT: Self = Self(0.05);
    /// One in a hundred.
    pub const ONE_PERCENT: Self = Self(0.01);

    /// Checks the level.
    ///
    /// # Errors
    /// [`OutOfRange`] unless `0 < alpha < 1`.
    pub fn new(alpha: f64) -> Result<Self, OutOfRange> {
        if alpha > 0.0 && alpha < 1.0 {
            Ok(Self(alpha))
        } else {
            Err(OutOfRange::new("alpha", "(0, 1)", alpha))
        }
    }

    /// The level, in (0, 1).
    pub fn get(self) -> f64 {
        self.0
    }

    /// An equal share of the level for each of `parts` tests (Bonferroni); 0 counts as 1.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// assert_eq!(SignificanceLevel::FIVE_PERCENT.split(5).get(), 0.01);
    /// ```
    #[must_use]
    pub fn split(self, parts: usize) -> Self {
        Self(self.0 / parts.max(1) as f64)
    }
}

impl TryFrom<f64> for SignificanceLevel {
    type Error = OutOfRange;
    fn try_from(alpha: f64) -> Result<Self, OutOfRange> {
        Self::new(alpha)
    }
}

impl From<SignificanceLevel> for f64 {
    fn from(alpha: SignificanceLevel) -> f64 {
        alpha.0
    }
}

impl fmt::Display for SignificanceLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The probability, were there no effect, of data at least as extreme as those seen: in \[0, 1],
/// small speaks against "no effect". Valid for one look at a sample size fixed beforehand.
///
/// ```
/// use mlops_core::evidence::{PValue, SignificanceLevel};
/// let p = PValue::new(0.003)?;
/// assert!(p.rejects_at(SignificanceLevel::ONE_PERCENT));
/// assert!(PValue::new(f64::NAN).is_err());
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct PValue(f64);

impl PValue {
    /// Checks the value.
    ///
    /// # Errors
    /// [`OutOfRange`] unless `0 <= p <= 1`.
    pub fn new(p: f64) -> Result<Self, OutOfRange> {
        if (0.0..=1.0).contains(&p) {
            Ok(Self(p))
        } else {
            Err(OutOfRange::new("p-value", "[0, 1]", p))
        }
    }

    /// The nearest p-value to a computed probability: rounding may push one a little beyond 0 or 1.
    /// NaN becomes 1, the p-value that claims nothing.
    ///
    /// ```
    /// assert_eq!(mlops_core::evidence::PValue::saturating(1.0 + 1e-15).get(), 1.0);
    /// ```
    pub fn saturating(p: f64) -> Self {
        let p = if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) };
        Self(p + 0.0) // −0 is 0
    }

    /// The probability, in \[0, 1].
    pub fn get(self) -> f64 {
        self.0
    }

    /// An e-value that claims no more: `(1 - p + p ln p) / (p ln² p)`, whose expectation is 1 for a uniform p (Vovk & Wang,
    /// "E-values: calibration, combination and applications", Annals of Statistics 2021, section 2). Far smaller than
    /// `1/p`: that is the price of a p-value's single look.
    ///
    /// ```
    /// use mlops_core::evidence::PValue;
    /// let e = PValue::new(0.001)?.to_e_value().get();
    /// assert!((20.7..20.9).contains(&e));
    /// assert_eq!(PValue::new(1.0)?.to_e_value().get(), 0.5);
    /// # Ok::<(), mlops_core::OutOfRange>(())
    /// ```
    pub fn to_e_value(self) -> EValue {
        let ln = self.0.ln();
        if self.0 == 0.0 {
            return EValue::from_ln(f64::INFINITY);
        }
        // Near p = 1 the ratio is 0/0; there its series is 1/2 + ln(1/p)/3 + …
        if ln > -1e-4 {
            return EValue::from_ln((0.5 - ln / 3.0).ln());
        }
        let wealth = 1.0 - self.0 + self.0 * ln;
        EValue::from_ln(wealth.ln() - ln - 2.0 * (-ln).ln())
    }

    /// Whether a test at this level rejects: `p <= alpha`.
    pub fn rejects_at(self, alpha: SignificanceLevel) -> bool {
        self.0 <= alpha.0
    }
}

impl TryFrom<f64> for PValue {
    type Error = OutOfRange;
    fn try_from(p: f64) -> Result<Self, OutOfRange> {
        Self::new(p)
    }
}

impl From<PValue> for f64 {
    fn from(p: PValue) -> f64 {
        p.0
    }
}

/// What a bettor against "no effect" has made of one unit of money: at least 0, large speaks
/// against "no effect". Its expectation is at most 1 without an effect, so that it exceeds `1/alpha`
/// with probability at most `alpha` (Markov), and, as a process, ever (Ville).
///
/// Held as a logarithm: products of many bets overflow a float.
///
/// ```
/// use mlops_core::evidence::{EValue, SignificanceLevel};
/// let e = EValue::new(40.0)?;
/// assert!(e.rejects_at(SignificanceLevel::FIVE_PERCENT)); // 40 >= 1/0.05
/// assert_eq!(e.to_p_value().get(), 1.0 / 40.0);
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct EValue {
    ln: f64,
}

impl EValue {
    /// The e-value before any data.
    pub const ONE: Self = Self { ln: 0.0 };

    /// Checks the value.
    ///
    /// # Errors
    /// [`OutOfRange`] unless `0 <= e` (infinity is allowed: certainty).
    pub fn new(e: f64) -> Result<Self, OutOfRange> {
        if e >= 0.0 {
            Ok(Self { ln: e.ln() })
        } else {
            Err(OutOfRange::new("e-value", "[0, inf]", e))
        }
    }

    /// From a natural logarithm. NaN becomes the e-value 0, which claims nothing.
    ///
    /// ```
    /// assert_eq!(mlops_core::evidence::EValue::from_ln(0.0).get(), 1.0);
    /// ```
    pub fn from_ln(ln: f64) -> Self {
        Self {
            ln: if ln.is_nan() { f64::NEG_INFINITY } else { ln },
        }
    }

    /// The value, in \[0, ∞]. Overflows to infinity above about 1e308: see [`EValue::ln`].
    pub fn get(self) -> f64 {
        self.ln.exp()
    }

    /// The natural logarithm of the value.
    pub fn ln(self) -> f64 {
        self.ln
    }

    /// Whether a test at this level rejects: `e >= 1/alpha`.
    pub fn rejects_at(self, alpha: SignificanceLevel) -> bool {
        self.ln >= -alpha.0.ln()
    }

    /// `min(1, 1/e)`: always a valid p-value, and as a running maximum one that stays valid at every look.
    pub fn to_p_value(self) -> PValue {
        PValue::saturating((-self.ln).exp())
    }

    /// The mean of e-values: again one, however they depend on each other (Vovk & Wang, "E-values:
    /// calibration, combination and applications", Annals of Statistics 2021). `None` without any.
    ///
    /// ```
    /// use mlops_core::evidence::EValue;
    /// let mean = EValue::mean([EValue::new(1.0)?, EValue::new(3.0)?]).unwrap();
    /// assert!((mean.get() - 2.0).abs() < 1e-12);
    /// # Ok::<(), mlops_core::OutOfRange>(())
    /// ```
    pub fn mean(values: impl IntoIterator<Item = Self>) -> Option<Self> {
        let lns: Vec<f64> = values.into_iter().map(|e| e.ln).collect();
        (!lns.is_empty()).then(|| Self::from_ln(log_sum_exp(&lns) - (lns.len() as f64).ln()))
    }
}

// JSON has no infinity, and an e-value may be one: it travels as its logarithm, an infinite one as the greatest float.
impl Serialize for EValue {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        LnE {
            ln: self.ln.clamp(f64::MIN, f64::MAX),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let LnE { ln } = LnE::deserialize(deserializer)?;
        Ok(Self::from_ln(match ln {
            f64::MAX => f64::INFINITY,
            f64::MIN => f64::NEG_INFINITY,
            ln => ln,
        }))
    }
}

#[derive(Serialize, Deserialize)]
struct LnE {
    ln: f64,
}

/// `ln(sum(exp(x)))` without overflow; negative infinity for nothing.
pub(crate) fn log_sum_exp(values: &[f64]) -> f64 {
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if greatest.is_infinite() {
        return greatest;
    }
    greatest
        + values
            .iter()
            .map(|value| (value - greatest).exp())
            .sum::<f64>()
            .ln()
}

/// The size of an effect: at least 0, large means far apart. It says nothing about chance.
///
/// ```
/// use mlops_core::evidence::Distance;
/// let distance = Distance::new(0.21, "psi")?;
/// assert_eq!(distance.to_string(), "psi 0.2100");
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenDistance")]
pub struct Distance {
    value: f64,
    measure: String,
}

/// A distance as it is read, before it is checked.
#[derive(Deserialize)]
struct WrittenDistance {
    value: f64,
    measure: String,
}

impl TryFrom<WrittenDistance> for Distance {
    type Error = OutOfRange;

    fn try_from(written: WrittenDistance) -> Result<Self, OutOfRange> {
        Self::new(written.value, written.measure)
    }
}

impl Distance {
    /// A distance and the name of its measure, such as `psi` or `kolmogorov_smirnov`.
    ///
    /// # Errors
    /// [`OutOfRange`] unless `0 <= value < inf`.
    pub fn new(value: f64, measure: impl Into<String>) -> Result<Self, OutOfRange> {
        if value >= 0.0 && value.is_finite() {
            Ok(Self {
                value,
                measure: measure.into(),
            })
        } else {
            Err(OutOfRange::new("distance", "[0, inf)", value))
        }
    }

    /// The distance, at least 0, in the unit of its measure.
    pub fn get(&self) -> f64 {
        self.value
    }

    /// The name of the measure.
    pub fn measure(&self) -> &str {
        &self.measure
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:.4}", self.measure, self.value)
    }
}

/// An interval that covers the true value with at least the stated probability. An end may be infinite; in JSON it is the text `"inf"` or
/// `"-inf"` then.
///
/// ```
/// use mlops_core::evidence::Interval;
/// let interval = Interval::new(0.61, 0.68, 0.95)?;
/// assert!(interval.contains(0.65));
/// assert!((interval.width() - 0.07).abs() < 1e-12);
/// assert!(Interval::new(0.7, 0.6, 0.95).is_err());
/// let above = Interval::new(0.61, f64::INFINITY, 0.95)?;
/// assert_eq!(serde_json::to_string(&above).unwrap(), r#"{"low":0.61,"high":"inf","confidence":0.95}"#);
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenInterval", into = "WrittenInterval")]
pub struct Interval {
    low: f64,
    high: f64,
    confidence: f64,
}

/// An interval as it is written, and as it is read before its parts are known to agree.
#[derive(Serialize, Deserialize)]
struct WrittenInterval {
    low: WrittenEnd,
    high: WrittenEnd,
    confidence: f64,
}

/// An end of an interval: JSON has no infinity, so that an infinite one is the text "inf" or "-inf".
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenEnd {
    Number(f64),
    Text(String),
    /// How infinite ends were written once.
    Null,
}

impl From<f64> for WrittenEnd {
    fn from(end: f64) -> Self {
        match end.is_infinite() {
            true => Self::Text(end.to_string()),
            false => Self::Number(end),
        }
    }
}

impl WrittenEnd {
    /// The end; NaN, which no interval has, for another text.
    fn read(&self, outermost: f64) -> f64 {
        match self {
            Self::Number(end) => *end,
            Self::Null => outermost,
            Self::Text(text) => match text.as_str() {
                "inf" => f64::INFINITY,
                "-inf" => f64::NEG_INFINITY,
                _ => f64::NAN,
            },
        }
    }
}

impl From<Interval> for WrittenInterval {
    fn from(interval: Interval) -> Self {
        Self {
            low: interval.low.into(),
            high: interval.high.into(),
            confidence: interval.confidence,
        }
    }
}

impl TryFrom<WrittenInterval> for Interval {
    type Error = OutOfRange;

    fn try_from(written: WrittenInterval) -> Result<Self, OutOfRange> {
        let low = written.low.read(f64::NEG_INFINITY);
        let high = written.high.read(f64::INFINITY);
        Self::new(low, high, written.confidence)
    }
}

impl Interval {
    /// Checks the ends and the confidence.
    ///
    /// # Errors
    /// [`OutOfRange`] unless `low <= high` and `0 < confidence < 1`.
    pub fn new(low: f64, high: f64, confidence: f64) -> Result<Self, OutOfRange> {
        if low.is_nan() || high.is_nan() || low > high {
            return Err(OutOfRange::new(
                "upper end of an interval",
                "[lower end, inf]",
                high,
            ));
        }
        if !(confidence > 0.0 && confidence < 1.0) {
            return Err(OutOfRange::new("confidence", "(0, 1)", confidence));
        }
        Ok(Self {
            low,
            high,
            confidence,
        })
    }

    /// The lower end.
    pub fn low(&self) -> f64 {
        self.low
    }

    /// The upper end.
    pub fn high(&self) -> f64 {
        self.high
    }

    /// The probability with which such an interval covers, in (0, 1).
    pub fn confidence(&self) -> f64 {
        self.confidence
    }

    /// The upper end less the lower one.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }

    /// Whether the value lies inside, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{:.4}, {:.4}]", self.low, self.high)
    }
}
