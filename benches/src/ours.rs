//! `ours WORK TIMES`: does one piece of work so many times, for `compare.py` to weigh against a peer.
#![allow(clippy::print_stdout)] // a program, not a library

use std::hint::black_box;

use mlops_benches::{departures, table, weather, weather_view};
use mlops_core::{Error, Result};
use mlops_drift::DriftCheck;
use mlops_registry::features::{AsOfTable, join_as_of};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (work, times) = (args.next().unwrap_or_default(), args.next());
    let times: usize = times
        .and_then(|times| times.parse().ok())
        .ok_or_else(|| Error::invalid("usage: ours join|drift TIMES"))?;
    match work.as_str() {
        "join" => join(times),
        "drift" => drift(times),
        other => Err(Error::invalid(format!(
            "unknown work {other:?}; there are join and drift"
        ))),
    }
}

/// Every flight with the newest weather known at its departure; the index is built each time.
fn join(times: usize) -> Result<()> {
    let (flights, weather) = (departures()?, weather()?);
    let (view, request) = weather_view()?;
    for _ in 0..times {
        let table = AsOfTable::of(view.clone(), std::slice::from_ref(&weather))?;
        let joined = join_as_of(&flights, "departs", [(&table, &request)])?;
        println!("{}", black_box(joined)["temp"].null_count());
    }
    Ok(())
}

/// Kolmogorov–Smirnov on the weather's numbers: the first half of the year against the second.
fn drift(times: usize) -> Result<()> {
    let weather = table("weather")?;
    let half = weather.num_rows() / 2;
    let (reference, current) = (
        weather.slice(0, half),
        weather.slice(half, weather.num_rows() - half),
    );
    for _ in 0..times {
        let check = DriftCheck::against(&reference).columns(mlops_benches::WEATHER);
        println!(
            "{:?}",
            black_box(check.run(&current)?)
                .verdict
                .drifted_columns
                .len()
        );
    }
    Ok(())
}
