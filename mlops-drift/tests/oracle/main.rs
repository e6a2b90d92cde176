//! Every statistic against reference values of SciPy, scikit-learn, river and Evidently: see
//! `README.md` beside this file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

mod binary;
mod case;
mod categorical;
mod metrics;
mod multiplicity;
mod nannyml;
mod numeric;
mod online;
mod pca;
mod rounding;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use case::{Case, Outcome};

/// `None` for a function that the crate does not have.
fn outcome(case: &Case) -> Option<Outcome> {
    let function = case.function();
    let (family, function) = function.split_once('/').unwrap();
    match family {
        "numeric" => numeric::outcome(case, function),
        "categorical" => categorical::outcome(case, function),
        "multiplicity" => multiplicity::outcome(case, function),
        "binary" => binary::outcome(case, function),
        "label_free" => binary::label_free(case, function),
        "multiclass" => metrics::multiclass(case, function),
        "regression" => Some(metrics::regression(case)),
        "ranking" => Some(metrics::ranking(case)),
        "online" => online::outcome(case, function),
        _ => None,
    }
}

/// The crate's copy.
fn own_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle")
}

/// Where the cases are.
fn folder() -> PathBuf {
    std::env::var_os("MLOPS_ORACLE_DIR").map_or_else(own_folder, PathBuf::from)
}

/// Those of every file of cases, whatever its name; NannyML's are of another form.
fn lines_of(folder: &Path) -> String {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_of_cases = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".jsonl") && !name.starts_with("nannyml")
    };
    let mut files: Vec<PathBuf> = files.filter(is_of_cases).collect();
    assert!(
        files.contains(&folder.join("cases.jsonl")),
        "no cases.jsonl"
    );
    files.sort();
    let lines = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap() + "\n");
    lines.collect()
}

#[test]
fn every_case_agrees() {
    let folder = folder();
    let lines = lines_of(&folder);
    let (mut run, mut off, mut left_out) = (BTreeMap::new(), Vec::new(), Vec::new());
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let case = Case::parse(&folder, line);
        let function = case.function();
        match outcome(&case) {
            Some(outcome) => {
                let comparison = case.compare(outcome, &rounding::of(&case, &function));
                off.extend(comparison.off);
                left_out.extend(comparison.left_out);
            }
            None => off.push(format!("{function}: not known")),
        }
        *run.entry(function).or_insert(0) += 1;
    }
    println!("run: {run:#?}");
    println!("{} values left out: {left_out:#?}", left_out.len());
    assert!(!run.is_empty());
    assert!(off.is_empty(), "{} off:\n{}", off.len(), off.join("\n"));
}

/// What the runner must not let pass, each as a line of its own.
#[test]
fn a_wrong_or_missing_value_is_off() {
    let run = |func: &str, input: &str, params: &str, expect: &str| {
        let (family, func) = func.split_once('/').unwrap();
        let (func, variant) = func.split_once('/').unwrap();
        let line = format!(
            r#"{{"id": "x", "family": "{family}", "func": "{func}", "variant": "{variant}", "input": {input},
            "params": {params}, "expect": {expect}, "tol": {{"df": {{"abs": 0, "rel": 1e-9}}, "odds_ratio": {{"abs": 0, "rel": 1e-9}},
            "var_ref": {{"abs": 0, "rel": 1e-9}}, "statistic": {{"abs": 0, "rel": 1e-9}}}}}}"#
        );
        let case = Case::parse(&own_folder(), &line);
        let outcome = outcome(&case).unwrap();
        case.compare(outcome, &rounding::of(&case, &case.function()))
            .off
            .len()
    };
    let two = r#"{"ref": [1, 2, 3], "cur": [2, 4, 6]}"#;
    let welch = "numeric/welch_t/two_sided";
    assert_eq!(
        run(
            welch,
            two,
            "{}",
            r#"{"statistic": -1.5491933384829668, "df": 2.9411764705882355}"#
        ),
        0
    );
    assert_eq!(run(welch, two, "{}", r#"{"df": 2.5}"#), 1, "another value");
    assert_eq!(run(welch, two, "{}", r#"{"median": 1.0}"#), 1, "no value");
    assert_eq!(
        run(
            welch,
            two,
            r#"{"trim": 0.2}"#,
            r#"{"df": 2.9411764705882355}"#
        ),
        1,
        "a param unread"
    );
    let constant = r#"{"ref": [3.5, 3.5], "cur": [3.5, 4.5]}"#;
    let moments = "numeric/describe/moments";
    assert_eq!(
        run(
            moments,
            constant,
            "{}",
            r#"{"var_ref": 0.0, "skew_ref": null}"#
        ),
        0
    );
    assert_eq!(
        run(moments, constant, "{}", r#"{"var_ref": 0.1}"#),
        1,
        "of a constant"
    );
    let fisher = "categorical/fisher/two_sided";
    let zero = r#"{"ref": [1, 1, 10], "cur": [1, 1, 1]}"#;
    assert_eq!(run(fisher, zero, "{}", r#"{"odds_ratio": 0.0}"#), 0);
    let other = r#"{"ref": [1, 1, 1], "cur": [1, 1, 10]}"#;
    assert_eq!(run(fisher, other, "{}", r#"{"odds_ratio": "inf"}"#), 0);
    assert_eq!(run(fisher, other, "{}", r#"{"odds_ratio": null}"#), 0);
    assert_eq!(run(fisher, other, "{}", r#"{"odds_ratio": 3.0}"#), 1);
}
