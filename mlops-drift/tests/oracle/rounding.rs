//! How far a reference value itself may lie from the truth: at a large offset a mean in floating point is rounded to
//! a step that may be a visible part of a standard deviation. NumPy and SciPy take central moments about that mean.
//! Exact rational arithmetic on the shared case with an offset of 1e12 gives a variance of 0.99959405846 and a
//! skewness of 0.0623755773; the reference values are 0.99959407139 and 0.0627167906.

use std::collections::BTreeMap;

use mlops_drift::NumericSample;
use mlops_drift::sample::Moments;

use crate::case::Case;
use crate::metrics::split_ties;

pub(crate) enum Rounding {
    /// The reference value is off by at most this.
    UpTo(f64),
    /// The reference value is made of rounding: why.
    All(&'static str),
}

pub(crate) type Roundings = BTreeMap<&'static str, Rounding>;

/// Roundings, in units of the last place of the greatest value, by which a pairwise sum leaves a mean off: every
/// partial sum adds a random half one of its own size, the quotient another; of 720 samples at offsets of 1e9 to
/// 4e13 the worst was off by 1.6.
const STEPS: f64 = 2.0;
/// SciPy sums its series for the tail of Cramér and von Mises until a term is below 1e-7: what is left out is a few
/// times that, and up to 2.8e-6 of 2 values against 2,100 that are nearly all equal.
const CRAMER_VON_MISES_RESOLUTION: f64 = 4e-6;
/// SciPy's W2 was off by up to 8 % of what arithmetic by hand gives, in 400 random samples of two values.
const DEFICIENT: f64 = 0.2;

pub(crate) fn of(case: &Case, function: &str) -> Roundings {
    if function.starts_with("multiclass/auc/") {
        return up_to("roc_auc", split_ties(case, function));
    }
    let Some(sides) = Side::both(case) else {
        return Roundings::new();
    };
    match function {
        "numeric/describe/moments" => moments(&sides),
        "numeric/welch_t/two_sided" => welch(case, &sides),
        "numeric/student_t/two_sided" => student(case, &sides),
        "numeric/levene/mean" => levene(case, &sides, mean),
        // The median of an even number is a mean of two.
        "numeric/levene/median" => levene(case, &sides, median),
        "numeric/wasserstein/normed_evidently" => {
            let [reference, _] = sides;
            let part = (reference.off / reference.deviation.max(1e-3)).powi(2);
            up_to("statistic", part * case.expected("statistic")[0])
        }
        "numeric/hellinger/evidently_numeric" | "numeric/js/evidently_numeric" => root(case),
        "numeric/epps_singleton/t=(0.4,0.8)" => epps_singleton(case, &sides),
        "numeric/cvm/asymptotic" if case.expected("pvalue")[0] < CRAMER_VON_MISES_RESOLUTION => {
            up_to("pvalue", CRAMER_VON_MISES_RESOLUTION)
        }
        _ => Roundings::new(),
    }
}

fn up_to(key: &'static str, slack: f64) -> Roundings {
    Roundings::from([(key, Rounding::UpTo(slack))])
}

/// The root of a sum that is 0 but for rounding, as of 1 less an affinity: some 1e-8 where the samples are alike.
fn root(case: &Case) -> Roundings {
    let rounding = 8.0 * f64::EPSILON;
    let distance = case.expected("statistic")[0].max(rounding.sqrt());
    up_to("statistic", rounding / distance)
}

/// One sample, and how far NumPy's mean of it may be off.
struct Side {
    sample: NumericSample,
    moments: Moments,
    deviation: f64,
    off: f64,
}

impl Side {
    fn both(case: &Case) -> Option<[Self; 2]> {
        let inputs = &case.fields["input"];
        let side = |key: &str| {
            let sample = (!inputs[key].is_null()).then(|| case.numeric(key).ok())??;
            Self::of(sample)
        };
        let is_numeric = case.function().starts_with("numeric/");
        is_numeric.then(|| Some([side("ref")?, side("cur")?]))?
    }

    fn of(sample: NumericSample) -> Option<Self> {
        let moments = sample.describe();
        let farthest = moments.least()?.abs().max(moments.greatest()?.abs());
        Some(Self {
            deviation: moments.standard_deviation()?,
            off: STEPS * f64::EPSILON * farthest,
            moments,
            sample,
        })
    }

    fn size(&self) -> f64 {
        self.sample.len() as f64
    }

    /// With divisor n - 1, and how far it is off about a mean that is off by e: at most 2·e².
    fn variance(&self) -> [f64; 2] {
        let variance = self.moments.variance().unwrap_or(0.0);
        [variance, 2.0 * self.off * self.off]
    }
}

/// About a mean that is off by e, m₃ is off by 3·e·m₂ and m₄ by 4·e·m₃ + 6·e²·m₂, to the first order.
fn moments([reference, current]: &[Side; 2]) -> Roundings {
    let part = reference.off / reference.deviation;
    let skewness = reference.moments.skewness().unwrap_or(0.0).abs();
    let kurtosis = reference.moments.kurtosis().unwrap_or(0.0).abs() + 3.0;
    let shapes = if part < 0.1 {
        [
            Rounding::UpTo(3.0 * part + 3.0 * skewness * part * part),
            Rounding::UpTo(4.0 * part * skewness + 10.0 * kurtosis * part * part),
        ]
    } else if case_is_constant(reference) {
        return means(reference, current);
    } else {
        [(), ()].map(|()| Rounding::All("the deviation is a rounding of the mean"))
    };
    let [skew, kurt] = shapes;
    let mut roundings = means(reference, current);
    roundings.extend([("skew_ref", skew), ("kurt_ref", kurt)]);
    roundings
}

fn case_is_constant(side: &Side) -> bool {
    side.moments.least() == side.moments.greatest()
}

fn means(reference: &Side, current: &Side) -> Roundings {
    Roundings::from([
        ("mean_ref", Rounding::UpTo(reference.off)),
        ("mean_cur", Rounding::UpTo(current.off)),
        ("var_ref", Rounding::UpTo(reference.variance()[1])),
        ("var_cur", Rounding::UpTo(current.variance()[1])),
    ])
}

/// Of a difference of means over its standard error: the first is off by both means' errors.
fn t(case: &Case, sides: &[Side; 2], [squared_error, off]: [f64; 2]) -> Roundings {
    let part = off / squared_error;
    if part.is_nan() || part >= 0.01 {
        let reason = || Rounding::All("the standard error is a rounding of the means");
        return ["statistic", "pvalue", "df"]
            .map(|key| (key, reason()))
            .into();
    }
    let [statistic, p] = ["statistic", "pvalue"].map(|key| case.expected(key)[0]);
    let slack = (sides[0].off + sides[1].off) / squared_error.sqrt() + statistic.abs() * part;
    Roundings::from([
        ("statistic", Rounding::UpTo(slack)),
        // A normal tail falls by at most |t| + 1 of itself per step of t, Student's by less.
        (
            "pvalue",
            Rounding::UpTo(2.0 * p * (statistic.abs() + 1.0) * slack),
        ),
        (
            "df",
            Rounding::UpTo(2.0 * part * (sides[0].size() + sides[1].size())),
        ),
    ])
}

fn welch(case: &Case, sides: &[Side; 2]) -> Roundings {
    let [x, y] = [0, 1].map(|i: usize| sides[i].variance().map(|value| value / sides[i].size()));
    t(case, sides, [x[0] + y[0], x[1] + y[1]])
}

fn student(case: &Case, sides: &[Side; 2]) -> Roundings {
    let [n, m] = [sides[0].size(), sides[1].size()];
    let pooled = |i: usize| {
        let [x, y] = [sides[0].variance()[i], sides[1].variance()[i]];
        ((n - 1.0) * x + (m - 1.0) * y) / (n + m - 2.0) * (1.0 / n + 1.0 / m)
    };
    t(case, sides, [pooled(0), pooled(1)])
}

fn mean(side: &Side) -> [f64; 2] {
    [side.moments.mean().unwrap_or(0.0), side.off]
}

fn median(side: &Side) -> [f64; 2] {
    [side.sample.quantile(0.5).unwrap_or(0.0), side.off / STEPS]
}

/// Deviations from a centre that is off by e are each off by e, in either direction: their mean by at most e, their
/// deviation too.
fn levene(case: &Case, sides: &[Side; 2], centre: fn(&Side) -> [f64; 2]) -> Roundings {
    let centres = [0, 1].map(|i: usize| centre(&sides[i]));
    let variances = [0, 1].map(|i: usize| {
        let values = sides[i].sample.sorted().iter();
        let deviations = values.map(|x| (x - centres[i][0]).abs());
        deviations.collect::<Moments>().variance().unwrap_or(0.0)
    });
    let [n, m] = [sides[0].size(), sides[1].size()];
    let within = ((n - 1.0) * variances[0] + (m - 1.0) * variances[1]) / (n + m - 2.0);
    let off = centres[0][1] + centres[1][1];
    if off * 100.0 > within.sqrt() {
        let reason = || Rounding::All("the deviations vary by the rounding of a centre");
        return ["statistic", "pvalue"].map(|key| (key, reason())).into();
    }
    let [w, p] = ["statistic", "pvalue"].map(|key| case.expected(key)[0]);
    let slack = off / (within * (1.0 / n + 1.0 / m)).sqrt() + w.sqrt() * off / within.sqrt();
    Roundings::from([
        (
            "statistic",
            Rounding::UpTo(2.0 * w.sqrt() * slack + slack * slack),
        ),
        ("pvalue", Rounding::UpTo(2.0 * p * (w.sqrt() + 1.0) * slack)),
    ])
}

/// The covariance of the four parts of W2 is inverted in SciPy by cutting eigenvalues below 1e-15 of the greatest.
/// Where it has no full rank, its zeros are roundings of that order, which stay or go: the degrees of freedom, and
/// so the p-value, are chance, and the statistic is coarse.
fn epps_singleton(case: &Case, sides: &[Side; 2]) -> Roundings {
    let pooled = NumericSample::new(
        sides
            .iter()
            .flat_map(|side| side.sample.sorted().iter().copied()),
    );
    let quartile = |share: f64| pooled.quantile(share).unwrap_or(0.0);
    let unit = (quartile(0.75) - quartile(0.25)) / 2.0;
    let origin = quartile(0.5);
    let covariances = [0, 1].map(|i: usize| covariance(&sides[i].sample, origin, unit));
    let [n, m] = [sides[0].size(), sides[1].size()];
    let sum = std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            covariances[0][row][column] / n + covariances[1][row][column] / m
        })
    });
    let pivots = pivots(sum);
    let least = pivots[3] / pivots[0];
    if pivots[0] * (n + m) < 1e-12 {
        let reason = || Rounding::All("no sample varies");
        return ["statistic", "pvalue"].map(|key| (key, reason())).into();
    }
    let mut roundings = Roundings::new();
    if (1e-13..1e-9).contains(&least) {
        let reason = "the covariance is inverted to less than its digits";
        roundings.insert("statistic", Rounding::All(reason));
        roundings.insert("pvalue", Rounding::All(reason));
    } else if least < 1e-13 {
        let reason = "the rank of the covariance is chance in SciPy";
        roundings.insert("pvalue", Rounding::All(reason));
        let coarse = Rounding::UpTo(DEFICIENT * case.expected("statistic")[0]);
        roundings.insert("statistic", coarse);
    } else {
        // A phase is a product of that size, rounded to half a step: each part is off by it.
        let farthest = sides.iter().map(|side| side.off).fold(0.0, f64::max);
        let [w, p] = ["statistic", "pvalue"].map(|key| case.expected(key)[0]);
        let slack = 4.0 * (w.sqrt() + 1.0) * 0.8 / unit * farthest / least.sqrt();
        roundings.insert("statistic", Rounding::UpTo(slack));
        roundings.insert("pvalue", Rounding::UpTo(p * slack));
    }
    roundings
}

type Matrix = [[f64; 4]; 4];

fn covariance(sample: &NumericSample, origin: f64, unit: f64) -> Matrix {
    let parts = |x: &f64| {
        let [a, b] = [0.4, 0.8].map(|point| point * (x - origin) / unit);
        [a.cos(), b.cos(), a.sin(), b.sin()]
    };
    let parts: Vec<[f64; 4]> = sample.sorted().iter().map(parts).collect();
    let n = parts.len() as f64;
    let mean: [f64; 4] = std::array::from_fn(|i| parts.iter().map(|part| part[i]).sum::<f64>() / n);
    let product = |row: usize, column: usize| {
        let products = parts
            .iter()
            .map(|part| (part[row] - mean[row]) * (part[column] - mean[column]));
        products.sum::<f64>() / n
    };
    std::array::from_fn(|row| std::array::from_fn(|column| product(row, column)))
}

/// Of symmetric elimination with the greatest diagonal cell first: descending, as many above rounding as the rank.
fn pivots(mut a: Matrix) -> [f64; 4] {
    std::array::from_fn(|_| {
        let at = (0..4).fold(0, |best, i| if a[i][i] > a[best][best] { i } else { best });
        let (pivot, line) = (a[at][at], a[at]);
        for row in 0..4 {
            for column in 0..4 {
                if pivot > 0.0 {
                    a[row][column] -= line[row] * line[column] / pivot;
                }
            }
        }
        a[at][at] = 0.0;
        pivot.max(0.0)
    })
}
