//! Eigenvectors of a symmetric matrix by Jacobi's rotations.

/// Sweeps over all pairs: convergence is quadratic, ten are many.
const SWEEPS: usize = 60;

/// The eigenvalues, greatest first, each with its eigenvector of length 1.
///
/// Cost: O(d³) a sweep. Accuracy: d units of the last place of the greatest one. Source: Golub & Van Loan,
/// "Matrix Computations", section 8.5.
pub(super) fn symmetric(mut matrix: Vec<Vec<f64>>) -> Vec<(f64, Vec<f64>)> {
    let size = matrix.len();
    let unit = |i: usize| (0..size).map(|j| f64::from(u8::from(i == j))).collect();
    let mut vectors: Vec<Vec<f64>> = (0..size).map(unit).collect(); // one a row
    let norm: f64 = matrix.iter().flatten().map(|x| x * x).sum();
    let negligible = f64::EPSILON * norm.sqrt(); // what rounding leaves of a cell
    for _ in 0..SWEEPS {
        if !sweep(&mut matrix, &mut vectors, negligible) {
            break;
        }
    }
    let values = (0..size).map(|i| matrix[i][i]);
    let mut pairs: Vec<(f64, Vec<f64>)> = values.zip(vectors).collect();
    pairs.sort_by(|(x, _), (y, _)| y.total_cmp(x));
    pairs
}

/// Turns every plane in which a product is left; whether there was one.
fn sweep(matrix: &mut [Vec<f64>], vectors: &mut [Vec<f64>], negligible: f64) -> bool {
    let mut turned = false;
    for p in 0..matrix.len() {
        for q in p + 1..matrix.len() {
            if matrix[p][q].abs() > negligible {
                rotate(matrix, vectors, p, q);
                turned = true;
            }
        }
    }
    turned
}

/// Turns the plane of two coordinates so that their product vanishes.
fn rotate(matrix: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    let (first, product, second) = (matrix[p][p], matrix[p][q], matrix[q][q]);
    let half = (second - first) / (2.0 * product);
    let tangent = half.signum() / (half.abs() + half.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |x: f64, y: f64| (cosine * x - sine * y, sine * x + cosine * y);
    turn_rows(vectors, p, q, turn);
    turn_rows(matrix, p, q, turn);
    (matrix[p][p], matrix[q][q]) = (first - tangent * product, second + tangent * product);
    (matrix[p][q], matrix[q][p]) = (0.0, 0.0);
    for other in (0..matrix.len()).filter(|other| *other != p && *other != q) {
        matrix[other][p] = matrix[p][other];
        matrix[other][q] = matrix[q][other];
    }
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
