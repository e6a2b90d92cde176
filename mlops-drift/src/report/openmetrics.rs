//! The report for a metrics server.

use std::fmt::Write as _;

use super::DriftReport;

impl DriftReport {
    /// The report as OpenMetrics 1.0 text, all gauges: the verdict of the batch and of every column
    /// (0 or 1), adjusted p-values, effects by measure, shares of missing values, rows.
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// let report = mlops_drift::DriftCheck::against(&table).run(&table)?;
    /// assert!(report.to_openmetrics().contains("mlops_drift_column_drifted{column=\"x\"} 0\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_openmetrics(&self) -> String {
        let mut text = Text::default();
        let flag = |on: bool| f64::from(u8::from(on));
        text.family("drifted", "Whether any column drifted.");
        text.sample("drifted", &[], flag(self.verdict.drifted));
        text.family(
            "material",
            "Whether any column drifted beyond its minimum effect.",
        );
        text.sample("material", &[], flag(self.verdict.material));
        text.family("rows", "Rows compared.");
        text.sample(
            "rows",
            &[("table", "reference")],
            self.reference_rows as f64,
        );
        text.sample("rows", &[("table", "current")], self.current_rows as f64);

        let columns = || {
            self.columns
                .iter()
                .map(|c| (c, ("column", c.column.as_str())))
        };
        text.family("column_drifted", "Whether the column drifted.");
        for (column, name) in columns() {
            text.sample("column_drifted", &[name], flag(column.verdict.is_drift()));
        }
        text.family(
            "column_adjusted_p_value",
            "Its least p-value, adjusted for all tests.",
        );
        for (column, name) in columns() {
            text.sample(
                "column_adjusted_p_value",
                &[name],
                column.adjusted_p_value().get(),
            );
        }
        text.family("column_effect", "How far it moved, by measure.");
        for (column, name) in columns() {
            for effect in &column.effects {
                let labels = [name, ("measure", effect.measure())];
                text.sample("column_effect", &labels, effect.get());
            }
        }
        text.family("column_missing_ratio", "Its share of missing values.");
        for (column, name) in columns() {
            for (table, share) in [
                ("reference", column.reference_missing),
                ("current", column.current_missing),
            ] {
                text.sample("column_missing_ratio", &[name, ("table", table)], share);
            }
        }
        text.0.push_str("# EOF\n");
        text.0
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = write!(
            self.0,
            "# TYPE mlops_drift_{name} gauge\n# HELP mlops_drift_{name} {help}\n"
        );
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let braces = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.0, "mlops_drift_{name}{braces} {value}");
    }
}

/// As the format asks: backslash, quote and line feed behind a backslash.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
