use super::outcomes::ENDS;
use super::singular_values::SingularValues;

/// What label shift is read off: the held-out shares of rows by predicted and true class, and the current shares
/// by predicted class.
#[derive(Clone)]
pub(super) struct PredictedShares {
    classes: usize,
    /// Predicted class by true class.
    joint: Vec<f64>,
    current: Vec<f64>,
}

impl PredictedShares {
    /// Of rows by class, with their weights: (truth, predicted), and predicted now.
    pub(super) fn of(
        classes: usize,
        held_out: (&[usize], &[usize], &[f64]),
        current: (&[usize], &[f64]),
    ) -> Self {
        let (truth, predicted, weights) = held_out;
        let cells: Vec<usize> = truth
            .iter()
            .zip(predicted)
            .map(|(truth, predicted)| predicted * classes + truth)
            .collect();
        Self {
            classes,
            joint: shares(classes * classes, &cells, weights),
            current: shares(classes, current.0, current.1),
        }
    }

    pub(super) fn singular_values(&self) -> SingularValues {
        SingularValues::of(self.classes, &self.joint)
    }

    /// The held-out shares of the true classes.
    pub(super) fn of_truth(&self) -> Vec<f64> {
        let of_class = |class| self.joint.iter().skip(class).step_by(self.classes).sum();
        (0..self.classes).map(of_class).collect()
    }

    /// The held-out shares of the predicted classes.
    pub(super) fn of_predicted(&self) -> Vec<f64> {
        let rows = self.joint.chunks_exact(self.classes);
        rows.map(|row| row.iter().sum()).collect()
    }

    /// C⁻¹·μ as it is; not finite where C has no inverse.
    pub(super) fn unconstrained(&self) -> Vec<f64> {
        self.singular_values().solve(&self.current)
    }

    /// The same without what is below 0, scaled so that shares sum to 1; `None` where C has no inverse or no class
    /// is left.
    pub(super) fn weights(&self) -> Option<Vec<f64>> {
        let mut weights = self.unconstrained();
        weights
            .iter_mut()
            .for_each(|weight| *weight = weight.max(0.0));
        let truth = self.of_truth().into_iter().zip(&weights);
        let all: f64 = truth.map(|(share, weight)| share * weight).sum();
        weights.iter_mut().for_each(|weight| *weight /= all);
        weights
            .iter()
            .all(|weight| weight.is_finite())
            .then_some(weights)
    }

    /// How far below and above they are the figures may lie for what no row has shown: a class that was never
    /// predicted now, and another answer to a class that was always given one, each as frequent as `current` and
    /// `of_class` allow. Each is an error of its own, and their squares add up, as with
    /// [`Outcomes`](super::outcomes::Outcomes).
    pub(super) fn unseen(
        &self,
        figures: impl Fn(&Self) -> Option<Vec<f64>>,
        current: f64,
        of_class: impl Fn(usize) -> f64,
    ) -> Vec<[f64; 2]> {
        let values = figures(self).unwrap_or_default();
        let mut moved = vec![[0.0_f64; 2]; values.len()];
        let mut add = |others: Vec<Self>| {
            let others: Vec<Vec<f64>> = others.iter().filter_map(&figures).collect();
            for (index, moved) in moved.iter_mut().enumerate() {
                let change = others.iter().map(|other| other[index] - values[index]);
                let (fall, rise) = change.fold((0.0_f64, 0.0_f64), |(fall, rise), change| {
                    (fall.max(-change), rise.max(change))
                });
                *moved = [moved[0].hypot(fall), moved[1].hypot(rise)];
            }
        };
        for class in 0..self.classes {
            if self.current[class] == 0.0 {
                add(vec![self.with_current(class, current)]);
            }
            if let Some(only) = self.only_answer(class) {
                let others = self.ends().into_iter().filter(|other| *other != only);
                let share = of_class(class);
                add(others
                    .map(|other| self.with_answer(class, only, other, share))
                    .collect());
            }
        }
        moved
    }

    /// The answer that a class was always given, if it was.
    fn only_answer(&self, class: usize) -> Option<usize> {
        let cell = |answer: &usize| self.joint[answer * self.classes + class] > 0.0;
        let mut given = (0..self.classes).filter(cell);
        let only = given.next();
        only.filter(|_| given.next().is_none())
    }

    /// The rarest and the commonest answers.
    fn ends(&self) -> Vec<usize> {
        let shares = self.of_predicted();
        let mut classes: Vec<usize> = (0..self.classes).collect();
        classes.sort_by(|a, b| shares[*a].total_cmp(&shares[*b]));
        let count = classes.len();
        let at_end = |rank: usize| rank < ENDS || rank + ENDS >= count;
        let ranked = classes.into_iter().enumerate();
        ranked
            .filter(|(rank, _)| at_end(*rank))
            .map(|(_, class)| class)
            .collect()
    }

    fn with_current(&self, class: usize, share: f64) -> Self {
        let mut moved = self.clone();
        moved.current.iter_mut().for_each(|of| *of *= 1.0 - share);
        moved.current[class] += share;
        moved
    }

    fn with_answer(&self, class: usize, from: usize, to: usize, share: f64) -> Self {
        let mut moved = self.clone();
        let weight = share * self.joint[from * self.classes + class];
        moved.joint[from * self.classes + class] -= weight;
        moved.joint[to * self.classes + class] += weight;
        moved
    }
}

fn shares(cells: usize, rows: &[usize], weights: &[f64]) -> Vec<f64> {
    let mut shares = vec![0.0; cells];
    let all: f64 = weights.iter().sum();
    for (cell, weight) in rows.iter().zip(weights) {
        shares[*cell] += weight / all;
    }
    shares
}
