//! Least squares with a ridge: (Σ weight·x·xᵀ + ridge)·β = Σ x·side, the first coefficient without a ridge.

/// Sums over rows; only the lower triangle of the matrix is kept up.
pub(super) struct NormalEquations {
    size: usize,
    cells: Vec<f64>,
    side: Vec<f64>,
}

impl NormalEquations {
    pub(super) fn new(size: usize) -> Self {
        Self {
            size,
            cells: vec![0.0; size * size],
            side: vec![0.0; size],
        }
    }

    pub(super) fn push(&mut self, row: &[f64], weight: f64, side: f64) {
        for (i, x) in row.iter().enumerate() {
            self.side[i] += side * x;
            let cells = &mut self.cells[i * self.size..][..=i];
            cells
                .iter_mut()
                .zip(row)
                .for_each(|(cell, y)| *cell += weight * x * y);
        }
    }

    /// The β; `None` if the matrix is not positive definite.
    pub(super) fn solve(self, ridge: f64) -> Option<Vec<f64>> {
        let side = self.side.clone();
        let solution = self.factored(ridge)?.solve(&side);
        solution.iter().all(|x| x.is_finite()).then_some(solution)
    }

    /// The matrix with its ridge, ready to be solved for any side; `None` if it is not positive definite.
    pub(super) fn factored(mut self, ridge: f64) -> Option<Factor> {
        for i in 1..self.size {
            self.cells[i * self.size + i] += ridge;
        }
        for i in 0..self.size {
            let (before, rest) = self.cells.split_at_mut(i * self.size);
            let row = &mut rest[..=i];
            for j in 0..i {
                let other = &before[j * self.size..][..=j];
                row[j] = (row[j] - dot(other, &row[..j])) / other[j];
            }
            let squared = row[i] - dot(&row[..i], &row[..i]);
            if !squared.is_finite() || squared <= 0.0 {
                return None;
            }
            row[i] = squared.sqrt();
        }
        Some(Factor {
            size: self.size,
            cells: self.cells,
        })
    }
}

/// Cholesky's factor L of a matrix L·Lᵀ, in the lower triangle.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Factor {
    size: usize,
    cells: Vec<f64>,
}

impl Factor {
    pub(super) fn solve(&self, side: &[f64]) -> Vec<f64> {
        let mut solution = self.half_solved(side);
        for i in (0..self.size).rev() {
            solution[i] /= self.cells[i * self.size + i];
            let value = solution[i];
            let row = &self.cells[i * self.size..][..i];
            solution
                .iter_mut()
                .zip(row)
                .for_each(|(x, cell)| *x -= cell * value);
        }
        solution
    }

    /// xᵀ·(L·Lᵀ)⁻¹·x: a row's leverage.
    pub(super) fn leverage(&self, row: &[f64]) -> f64 {
        let half = self.half_solved(row);
        dot(&half, &half)
    }

    /// L⁻¹·side.
    fn half_solved(&self, side: &[f64]) -> Vec<f64> {
        let mut solution = side.to_vec();
        for i in 0..self.size {
            let row = &self.cells[i * self.size..][..=i];
            solution[i] = (solution[i] - dot(row, &solution[..i])) / row[i];
        }
        solution
    }
}

/// Over as many places as the shorter one has.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::NormalEquations;

    /// y = 2 + 3x through three points, and the ridge that halves the slope: Σ(x − x̄)² = 2.
    #[test]
    fn a_line_and_its_ridge() {
        let fit = |ridge: f64| {
            let mut equations = NormalEquations::new(2);
            for x in [-1.0, 0.0, 1.0] {
                equations.push(&[1.0, x], 1.0, 2.0 + 3.0 * x);
            }
            equations.solve(ridge).unwrap_or_default()
        };
        let near = |fit: &[f64], slope: f64| {
            assert!(
                (fit[0] - 2.0).abs() + (fit[1] - slope).abs() < 1e-12,
                "{fit:?}"
            );
        };
        near(&fit(0.0), 3.0);
        near(&fit(2.0), 1.5);
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite() {
        let mut equations = NormalEquations::new(2);
        equations.push(&[1.0, 1.0], 1.0, 1.0);
        assert_eq!(equations.solve(0.0), None);
    }
}
