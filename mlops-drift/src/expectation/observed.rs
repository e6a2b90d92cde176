//! What is expected of a column by what a profile saw of it.

use mlops_core::Result;
use mlops_core::evidence::SignificanceLevel;
use statrs::function::factorial::ln_binomial;

use super::bounds::{Bound, Bounds};
use super::expected::Expectation;
use super::named_type::require_type_name;
use super::number::rounded;
use super::numbers::DIGITS;
use super::on_profile::are_short_decimals;
use super::rule::Rule;
use crate::binomial::share_at_most;
use crate::profile::{CategoricalProfile, ColumnProfile, FacetProfile, NumericProfile, Values};
use crate::sample::{ColumnKind, EXACT};

/// A rule that tolerates so much more than was seen is of no use, and left out.
const GREATEST_SHARE: f64 = 0.1;
/// Labels of a rule.
const LABELS: usize = 1_000;

/// A rule, or what was left out and why.
type Inferred = std::result::Result<Expectation, String>;

/// The type of a column, with what else might have been expected of it; that it is there, where it was of several types.
pub(super) fn of_type(column: &str, data_type: &str, left_out: &[String]) -> Expectation {
    let left_out = match left_out {
        [] => String::new(),
        left_out => format!("; left out: {}", left_out.join("; ")),
    };
    let rule = match require_type_name(data_type) {
        Ok(()) => Rule::Type(data_type.into()),
        Err(_) => Rule::Exists,
    };
    let expectation = Expectation::on(column, rule);
    expectation.because(format!("the column was of type {data_type}{left_out}"))
}

/// One column, and the error that the share of a rule may have; its evidence may have the same.
pub(super) struct Observed<'a> {
    pub(super) column: &'a ColumnProfile,
    pub(super) rows: u64,
    pub(super) error: SignificanceLevel,
}

impl Observed<'_> {
    pub(super) fn expectations(&self) -> Result<Vec<Expectation>> {
        let inferred = match self.column.values().present() {
            0 => vec![self.missing()?],
            _ => vec![self.present()?, self.values()?],
        };
        let (mut found, mut left_out) = (Vec::new(), Vec::new());
        for inferred in inferred {
            match inferred {
                Ok(expectation) => found.push(expectation),
                Err(why) => left_out.push(why),
            }
        }
        let (name, data_type) = (self.column.name(), self.column.data_type());
        found.insert(0, of_type(name, data_type, &left_out));
        Ok(found)
    }

    /// Of a column without a value: however much its few rows tolerate, since nothing else would tell that one came.
    fn missing(&self) -> Result<Inferred> {
        let share = share_at_most(0, self.rows, self.error);
        let observed = format!("all of {} rows were missing", self.rows);
        self.expectation(Rule::Missing, share, observed).map(Ok)
    }

    fn present(&self) -> Result<Inferred> {
        let missing = self.column.values().missing();
        let observed = format!("of {} rows {missing} were missing", self.rows);
        let share = share_at_most(missing, self.rows, self.error);
        let seen = missing as f64 / self.rows as f64;
        match self.expect(Rule::NotNull, share, seen, observed)? {
            // Rows without the value are nothing new.
            Ok(expectation) if missing > 0 => expectation.of_share().map(Ok),
            inferred => Ok(inferred),
        }
    }

    fn values(&self) -> Result<Inferred> {
        match self.column.values() {
            Values::Numeric(profile) => self.range(profile),
            Values::Categorical(profile) => self.labels(profile),
            Values::Facets(profile) => self.length(profile),
        }
    }

    fn range(&self, profile: &NumericProfile) -> Result<Inferred> {
        match self.within(profile) {
            Ok(within) => self.expect_within(Rule::Between(within)),
            Err(why) => Ok(Err(format!("a range, {why}"))),
        }
    }

    /// Of texts; embeddings have none.
    fn length(&self, profile: &FacetProfile) -> Result<Inferred> {
        let lengths = profile.facet("characters").map(NumericProfile::moments);
        let ends = lengths.and_then(|lengths| Some((lengths.least()?, lengths.greatest()?)));
        let Some((least, greatest)) = ends else {
            return Ok(Err("rules on the values of embeddings".into()));
        };
        self.expect_within(Rule::Length((least as u64..=greatest as u64).into()))
    }

    /// The two gaps beyond the extremes of n rows are those of one row too many, missing rows lying in neither.
    fn expect_within(&self, rule: Rule) -> Result<Inferred> {
        let share = share_at_most(1, self.rows, self.error);
        let observed = format!("of {} rows none lay outside", self.rows);
        self.expect(rule, share, 0.0, observed)
    }

    /// The finite extremes; an end is open where infinite values were seen. Else why there is no range.
    fn within(&self, profile: &NumericProfile) -> std::result::Result<Bounds, &'static str> {
        let data_type = self.column.data_type();
        if self.column.kind() == ColumnKind::Temporal && is_date(data_type) {
            return Err("which later tables leave by the nature of dates");
        }
        if is_too_wide(data_type) {
            return Err("which no rule reads of so many digits");
        }
        let moments = profile.moments();
        let [below, above] = profile.infinite();
        let exact = data_type.starts_with("float") || are_short_decimals(data_type, profile);
        let is_whole = !data_type.starts_with("decimal");
        let least = moments.least().filter(|_| below == 0);
        let greatest = moments.greatest().filter(|_| above == 0);
        let within = Bounds {
            min: least.map(|least| end(least, exact, is_whole, f64::next_down)),
            max: greatest.map(|greatest| end(greatest, exact, is_whole, f64::next_up)),
            ..Bounds::default()
        };
        match within == Bounds::default() {
            true => Err("which has no finite end"),
            false => Ok(within),
        }
    }

    fn labels(&self, profile: &CategoricalProfile) -> Result<Inferred> {
        let labels = profile.labels().filter(|labels| labels.len() <= LABELS);
        let Some(labels) = labels else {
            return Ok(Err(format!("labels, which were more than {LABELS}")));
        };
        let share = unseen_at_most(labels.len() as u64, self.rows, self.error);
        let observed = format!("{} rows showed {} labels", self.rows, labels.len());
        self.expect(Rule::one_of(labels), share, 0.0, observed)
    }

    /// Left out for a share that the rule would not be worth.
    fn expect(&self, rule: Rule, share: f64, seen: f64, observed: String) -> Result<Inferred> {
        if share >= 1.0 || share - seen > GREATEST_SHARE {
            let (name, rows, share) = (rule.name(), self.rows, rounded(share));
            return Ok(Err(format!(
                "{name}, which a share of {share} of rows could break by what {rows} rows showed"
            )));
        }
        self.expectation(rule, share, observed).map(Ok)
    }

    fn expectation(&self, rule: Rule, share: f64, observed: String) -> Result<Expectation> {
        let error = self.error.get();
        let [share_told, error_told, failing] = [share, error, 2.0 * error].map(rounded);
        let reason = format!(
            "{observed}; the law's share is at most {share_told} but for an error of {error_told}, and a table of this law \
             fails by chance with probability at most {failing}"
        );
        let expectation = Expectation::on(self.column.name(), rule).mostly(1.0 - share)?;
        Ok(expectation.level(self.error)?.because(reason))
    }
}

fn is_date(data_type: &str) -> bool {
    data_type.starts_with("date") || data_type.starts_with("timestamp")
}

/// Decimals of more digits than a rule can read; in a dictionary, too.
fn is_too_wide(data_type: &str) -> bool {
    let name = data_type.to_lowercase();
    let parameters = name.split_once("decimal256(").map(|(_, rest)| rest);
    let digits = parameters.and_then(|rest| rest.split_once(',')?.0.parse::<u8>().ok());
    digits.is_some_and(|digits| digits > DIGITS)
}

/// An extreme that a profile keeps as a float: moved outwards where the float may be rounded inwards, of decimals twice.
fn end(x: f64, exact: bool, is_whole: bool, outwards: fn(f64) -> f64) -> Bound {
    if exact {
        Bound::Float(x)
    } else if is_whole && x.fract() == 0.0 && x.abs() < EXACT {
        Bound::Integer(x as i64)
    } else {
        Bound::Float(outwards(outwards(x)))
    }
}

/// A bound on the share of rows with other labels than the d that n rows showed.
///
/// If it is greater than ε, then the n − d rows that did not show a label first all fell on labels of the
/// others, which has probability at most (1 − ε)^(n − d), for each of the C(n, d) choices of rows and each d,
/// weighted by 1/(d (d + 1)).
fn unseen_at_most(d: u64, n: u64, error: SignificanceLevel) -> f64 {
    if d >= n {
        return 1.0;
    }
    let weight = (d as f64 * (d + 1) as f64).ln() + ln_binomial(n, d);
    -((error.get().ln() - weight) / (n - d) as f64).exp_m1()
}
