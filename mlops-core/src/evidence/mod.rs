//! What a decision rests on: measures of evidence, each a type of its own, and processes that
//! gather it one outcome at a time.
//!
//! | type | question | stays valid |
//! | --- | --- | --- |
//! | [`PValue`] | how surprising are these data without an effect? | for one look, at a size fixed beforehand |
//! | [`EValue`] | how much has a bet against "no effect" won? | at every look |
//! | [`Distance`] | how large is the effect? | says nothing about chance |
//! | [`Interval`] | where does the true value lie? | as its maker states |
//! | [`FailureOdds`] | does one of two arms fail more often? | at every look, any traffic share |
//! | [`MeanBet`] | is a bounded mean above a bound? | at every look |
//! | [`MeanDifference`] | is a bounded mean greater in one of two streams? | at every look |
//! | [`MeanSequence`] | where does a bounded mean lie? (empirical Bernstein: cheap) | at every look |
//! | [`BettingSequence`] | the same (betting: tight) | at every look |
//!
//! Everything here is pure: no clock, no randomness, no I/O; the states serialize.
//!
//! **Merging.** States of shards become one state ([`FailureOdds::merge`], [`MeanBet::merge`], [`MeanDifference::merge`],
//! [`MeanSequence::merge`], [`BettingSequence::merge`]), in any order and grouping, if the shards' units are independent of one
//! another. To look again and again, merge the shards' states anew at each look, and read the merged `e_value` or `interval`. What must not
//! be merged: a state with a copy of itself or with an earlier snapshot, since units would count twice; shards that saw the same
//! users, the same hours or the same incident, since they are not independent; and, for the sequences, shards of different means, since
//! there is no one mean to cover. E-values that may depend on one another are combined by their mean ([`EValue::mean`]).
//!
//! **The assumption behind every number** is stated at its type. All of them speak of the
//! *conditional* law of the next unit given the past, so the caller decides what a unit is (a
//! request, a user, an origin-hour) and aggregates to it first.

mod betting_sequence;
mod failure_odds;
mod finding;
mod mean_bet;
mod mean_difference;
mod mean_sequence;
mod measure;
mod range;
mod sides;
mod state;

pub use betting_sequence::BettingSequence;
pub use failure_odds::{DetectionPlan, FailureOdds};
pub use finding::{Evidence, Measure};
pub use mean_bet::MeanBet;
pub use mean_difference::MeanDifference;
pub use mean_sequence::MeanSequence;
pub use measure::{Distance, EValue, Interval, PValue, SignificanceLevel};
pub use sides::Sides;
