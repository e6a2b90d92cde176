//! A square matrix as a sum of orthogonal parts: its least singular value, and the solution of its equations.

use super::normal_equations::dot;

/// Sweeps over all pairs of columns; convergence is quadratic, and some ten suffice.
const SWEEPS: usize = 60;

/// The singular value decomposition by the one-sided Jacobi method: columns are rotated in pairs until they
/// are orthogonal (Hestenes, "Inversion of matrices by biorthogonalization and related results", Journal of
/// the Society for Industrial and Applied Mathematics 6, 1958). Small singular values come out to full
/// relative accuracy where columns differ in scale alone.
pub(super) struct SingularValues {
    /// Left vectors times singular values, by column.
    scaled: Vec<Vec<f64>>,
    /// Right vectors, by column.
    right: Vec<Vec<f64>>,
}

impl SingularValues {
    /// Of a matrix given row by row.
    pub(super) fn of(size: usize, cells: &[f64]) -> Self {
        let column = |c: usize| (0..size).map(|r| cells[r * size + c]).collect();
        let unit = |c: usize| (0..size).map(|r| f64::from(u8::from(r == c))).collect();
        let mut parts = Self {
            scaled: (0..size).map(column).collect(),
            right: (0..size).map(unit).collect(),
        };
        for _ in 0..SWEEPS {
            if !parts.sweep() {
                break;
            }
        }
        parts
    }

    /// One rotation for each pair of columns; whether any was needed.
    fn sweep(&mut self) -> bool {
        let mut rotated = false;
        for q in 1..self.scaled.len() {
            for p in 0..q {
                if let Some(turn) = turn(&self.scaled[p], &self.scaled[q]) {
                    rotate(&mut self.scaled, p, q, turn);
                    rotate(&mut self.right, p, q, turn);
                    rotated = true;
                }
            }
        }
        rotated
    }

    pub(super) fn least(&self) -> f64 {
        let lengths = self.scaled.iter().map(|column| dot(column, column).sqrt());
        lengths.fold(f64::INFINITY, f64::min)
    }

    /// The x of matrix·x = `side`; not finite where the matrix is singular.
    pub(super) fn solve(&self, side: &[f64]) -> Vec<f64> {
        let mut solution = vec![0.0; side.len()];
        for (scaled, right) in self.scaled.iter().zip(&self.right) {
            let along = dot(scaled, side) / dot(scaled, scaled);
            solution
                .iter_mut()
                .zip(right)
                .for_each(|(x, v)| *x += along * v);
        }
        solution
    }
}

/// Cosine and sine of the rotation that makes two columns orthogonal; `None` if they are.
fn turn(p: &[f64], q: &[f64]) -> Option<(f64, f64)> {
    let (pp, qq, pq) = (dot(p, p), dot(q, q), dot(p, q));
    if pq.abs() <= f64::EPSILON * (pp * qq).sqrt() {
        return None;
    }
    let zeta = (qq - pp) / (2.0 * pq);
    let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    Some((cosine, cosine * tangent))
}

fn rotate(columns: &mut [Vec<f64>], p: usize, q: usize, (cosine, sine): (f64, f64)) {
    let (head, tail) = columns.split_at_mut(q);
    for (a, b) in head[p].iter_mut().zip(&mut tail[0]) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
}

#[cfg(test)]
mod tests {
    use super::SingularValues;

    /// Hilbert's matrix of size 4: its condition number is 15,513.738738929 (largest 1.500214280059243), and
    /// its inverse has whole numbers.
    #[test]
    fn of_the_hilbert_matrix() {
        let cells: Vec<f64> = (0..16)
            .map(|i| 1.0 / f64::from(i / 4 + i % 4 + 1))
            .collect();
        let parts = SingularValues::of(4, &cells);
        assert!((parts.least() / (1.500_214_280_059_243 / 15_513.738_738_929) - 1.0).abs() < 1e-10);
        let first = parts.solve(&[1.0, 0.0, 0.0, 0.0]);
        for (got, want) in first.iter().zip([16.0, -120.0, 240.0, -140.0]) {
            assert!((got - want).abs() < 1e-9, "{first:?}");
        }
    }

    #[test]
    fn of_a_singular_matrix() {
        let parts = SingularValues::of(2, &[1.0, 2.0, 2.0, 4.0]);
        assert!(parts.least() < 1e-15);
        assert!(SingularValues::of(2, &[0.0; 4]).solve(&[1.0, 1.0])[0].is_nan());
    }
}
