//! Metrics of the confusion matrix, with intervals that know what no row has shown.

use mlops_core::Result;

use super::estimate::unseen;
use super::rows::Weighted;
use super::{Confusion, Estimate};

/// Classes to which an outcome that was not seen may go: as many of the rarest and of the commonest answers.
pub(super) const ENDS: usize = 4;

/// True and predicted classes of weighted rows.
pub(super) struct Outcomes<'a> {
    pub(super) rows: &'a Weighted,
    pub(super) classes: usize,
    pub(super) truth: &'a [usize],
    pub(super) predicted: &'a [usize],
}

impl Outcomes<'_> {
    /// A metric with its interval: percentiles of resamples, and beside them, for every class whose rows were
    /// all given one answer, how far the metric moves if another answer is as frequent as the rule of three
    /// allows. Without it thirty right answers would make an accuracy of 1 a certainty. No end lies beyond
    /// what the metric is when every answer is right.
    pub(super) fn estimate(&self, metric: impl Fn(&Confusion) -> Option<f64>) -> Result<Estimate> {
        let whole = self.confusion(self.rows.get());
        let moved = metric(&whole).map_or([0.0; 2], |value| self.unseen(&whole, value, &metric));
        let drawn = |weights: &[f64]| metric(&self.confusion(weights));
        let estimate = self.rows.estimate_beside(drawn, moved)?;
        self.rows
            .no_better_than(estimate, metric(&whole.all_right()))
    }

    fn confusion(&self, weights: &[f64]) -> Confusion {
        Confusion::counted(self.classes, self.truth, self.predicted, weights)
    }

    /// How far below and above the value, over the classes with one answer, as the root of the sum of
    /// squares.
    fn unseen(
        &self,
        whole: &Confusion,
        value: f64,
        metric: impl Fn(&Confusion) -> Option<f64>,
    ) -> [f64; 2] {
        let answers = whole.by_predicted_weight();
        let (mut below, mut above) = (0.0_f64, 0.0_f64);
        for class in 0..self.classes {
            let Some(only) = whole.only_answer(class) else {
                continue;
            };
            let of_class = self.rows.weighing().filter(|row| self.truth[*row] == class);
            let share = unseen(self.rows.confidence, self.rows.effective_units_of(of_class));
            let ends = answers.iter().enumerate();
            let ends = ends.filter(|(rank, _)| *rank < ENDS || rank + ENDS >= answers.len());
            let others = ends.map(|(_, other)| *other).filter(|other| *other != only);
            let moved = others.filter_map(|other| metric(&whole.moved(class, only, other, share)));
            let (fall, rise) = moved.fold((0.0_f64, 0.0_f64), |(fall, rise), moved| {
                (fall.max(value - moved), rise.max(moved - value))
            });
            (below, above) = (below.hypot(fall), above.hypot(rise));
        }
        [below, above]
    }
}
