//! Logistic regression with a ridge.

/// Steps of the descent: the weights need not be exact, a classifier that is a little worse is as valid.
const STEPS: u32 = 300;
/// Steps towards the greatest eigenvalue.
const POWER_STEPS: u32 = 30;
/// The power method falls short of the greatest eigenvalue, by little.
const MARGIN: f64 = 1.2;

/// The weights of a row's features, the intercept last, that minimise the mean log loss plus ridge/2 times
/// the sum of their squares (the intercept is free), by Nesterov's accelerated descent with the step 1/L of
/// a smooth convex function.
///
/// Cost: O(rows·features) a step. Source: Nesterov, "A method of solving a convex programming problem with
/// convergence rate O(1/k²)", Soviet Mathematics Doklady 27, 1983.
pub(super) fn fit(rows: &[Vec<f64>], classes: &[bool], ridge: f64) -> Vec<f64> {
    let features = rows.first().map_or(0, Vec::len);
    let step = 1.0 / (MARGIN * greatest_eigenvalue(rows, features + 1) / 4.0 + ridge);
    let mut weights = vec![0.0; features + 1];
    let mut ahead = weights.clone();
    for step_number in 1..=STEPS {
        let slope = gradient(rows, classes, ridge, &ahead);
        let next: Vec<f64> = ahead
            .iter()
            .zip(slope)
            .map(|(w, slope)| w - step * slope)
            .collect();
        let momentum = f64::from(step_number - 1) / f64::from(step_number + 2);
        ahead = next
            .iter()
            .zip(&weights)
            .map(|(new, old)| new + momentum * (new - old))
            .collect();
        weights = next;
    }
    weights
}

/// The log-odds of the second class.
pub(super) fn score(weights: &[f64], row: &[f64]) -> f64 {
    let intercept = weights.last().copied().unwrap_or(0.0);
    intercept + row.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>()
}

fn gradient(rows: &[Vec<f64>], classes: &[bool], ridge: f64, weights: &[f64]) -> Vec<f64> {
    let residual = |row: &Vec<f64>, class: bool| {
        1.0 / (1.0 + (-score(weights, row)).exp()) - f64::from(u8::from(class))
    };
    let residuals: Vec<f64> = rows
        .iter()
        .zip(classes)
        .map(|(row, class)| residual(row, *class))
        .collect();
    let mut slope = moments(rows, &residuals, weights.len());
    let penalised = slope.iter_mut().zip(weights).take(weights.len() - 1);
    penalised.for_each(|(slope, weight)| *slope += ridge * weight);
    slope
}

/// The mean over rows of a value times each feature, and of the value itself.
fn moments(rows: &[Vec<f64>], values: &[f64], size: usize) -> Vec<f64> {
    let mut means = vec![0.0; size];
    for (row, value) in rows.iter().zip(values) {
        let share = value / rows.len() as f64;
        let with_intercept = row.iter().chain(&[1.0]);
        means
            .iter_mut()
            .zip(with_intercept)
            .for_each(|(mean, x)| *mean += share * x);
    }
    means
}

/// Of the features' second moments, the intercept among them, by the power method.
fn greatest_eigenvalue(rows: &[Vec<f64>], size: usize) -> f64 {
    let mut vector: Vec<f64> = (0..size).map(|i| 1.0 + i as f64 / size as f64).collect();
    let mut greatest = 1.0; // that of the intercept alone
    for _ in 0..POWER_STEPS {
        let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|x| *x /= length);
        let products: Vec<f64> = rows.iter().map(|row| score(&vector, row)).collect();
        greatest = f64::max(
            greatest,
            products.iter().map(|x| x * x).sum::<f64>() / rows.len() as f64,
        );
        vector = moments(rows, &products, size);
    }
    greatest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the gradient vanishes the convex loss is least.
    #[test]
    fn the_gradient_vanishes_at_the_weights() {
        let row = |i: i32| {
            vec![
                f64::from(i % 7) / 3.0 - 1.0,
                f64::from(i % 5) - 2.0,
                f64::from(i % 3),
            ]
        };
        let rows: Vec<Vec<f64>> = (0..105).map(row).collect();
        let classes: Vec<bool> = (0..105).map(|i| (i % 7 > 3) != (i % 11 == 0)).collect();
        let weights = fit(&rows, &classes, 0.01);
        let slope = gradient(&rows, &classes, 0.01, &weights);
        assert!(slope.iter().all(|slope| slope.abs() < 1e-6), "{slope:?}");
        assert!(weights[0] > 1.0, "{weights:?}");
    }
}
