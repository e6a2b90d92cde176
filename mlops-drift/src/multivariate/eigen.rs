//! Eigenvectors of a symmetric matrix by Jacobi's rotations.

/// Sweeps over all pairs: convergence is quadratic, ten are many.
const SWEEPS: usize = 60;

/// The eigenvalues, greatest first, each with its eigenvector of length 1.
///
/// Cost: O(d³) a sweep. Accuracy: a few units of the last place of the greatest one. Source: Golub & Van
/// Loan, "Matrix Computations", on the classical Jacobi method, in its cyclic order.
pub(super) fn symmetric(mut matrix: Vec<Vec<f64>>) -> Vec<(f64, Vec<f64>)> {
    let size = matrix.len();
    let unit = |i: usize| (0..size).map(|j| f64::from(u8::from(i == j))).collect();
    let mut vectors: Vec<Vec<f64>> = (0..size).map(unit).collect(); // one a row
    let norm: f64 = matrix.iter().flatten().map(|x| x * x).sum();
    for _ in 0..SWEEPS {
        if off_diagonal(&matrix) <= f64::EPSILON.powi(2) * norm {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut matrix, &mut vectors, p, q);
            }
        }
    }
    let values = (0..size).map(|i| matrix[i][i]);
    let mut pairs: Vec<(f64, Vec<f64>)> = values.zip(vectors).collect();
    pairs.sort_by(|(x, _), (y, _)| y.total_cmp(x));
    pairs
}

fn off_diagonal(matrix: &[Vec<f64>]) -> f64 {
    let rows = matrix.iter().enumerate();
    rows.map(|(i, row)| row[..i].iter().map(|x| 2.0 * x * x).sum::<f64>())
        .sum()
}

/// Turns the plane of two coordinates so that their product vanishes.
fn rotate(matrix: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    if matrix[p][q] == 0.0 {
        return;
    }
    let half = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
    let tangent = half.signum() / (half.abs() + half.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |x: f64, y: f64| (cosine * x - sine * y, sine * x + cosine * y);
    for row in matrix.iter_mut() {
        (row[p], row[q]) = turn(row[p], row[q]);
    }
    turn_rows(matrix, p, q, turn);
    turn_rows(vectors, p, q, turn);
}

fn turn_rows(rows: &mut [Vec<f64>], p: usize, q: usize, turn: impl Fn(f64, f64) -> (f64, f64)) {
    let (before, from_q) = rows.split_at_mut(q);
    for (x, y) in before[p].iter_mut().zip(from_q[0].iter_mut()) {
        (*x, *y) = turn(*x, *y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_with_known_eigenvalues_has_them() {
        // 2 on the diagonal, −1 beside it: 2 − 2·cos(kπ/(n + 1)).
        let size = 12;
        let cell = |i: usize, j: usize| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        };
        let matrix: Vec<Vec<f64>> = (0..size)
            .map(|i| (0..size).map(|j| cell(i, j)).collect())
            .collect();
        let found = symmetric(matrix.clone());
        for (k, (value, vector)) in found.iter().enumerate() {
            let angle = (size - k) as f64 * std::f64::consts::PI / (size + 1) as f64;
            assert!((value - (2.0 - 2.0 * angle.cos())).abs() < 1e-13);
            for (row, x) in matrix.iter().zip(vector) {
                let product: f64 = row.iter().zip(vector).map(|(a, b)| a * b).sum();
                assert!((product - value * x).abs() < 1e-13);
            }
        }
    }
}
