//! Samples made into rows.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::process::Sample;

/// The head of the table that [`Row`]s make.
pub const TABLE_HEAD: &str = "| scenario | subject | min | median | max | CPU | peak | x uv | x floor |\n\
                              |---|---|---:|---:|---:|---:|---:|---:|---:|";

/// What is compared in a scenario.
pub struct Subject<'a> {
    /// `uv`, `dhtl`, `floor`, with what sets it apart from others of the scenario.
    pub name: &'static str,
    /// Prepares one run, measures it and returns the sample; the argument is the run's number.
    pub act: Box<dyn FnMut(u32) -> io::Result<Sample> + 'a>,
}

impl<'a> Subject<'a> {
    /// Names an act.
    pub fn new(name: &'static str, act: impl FnMut(u32) -> io::Result<Sample> + 'a) -> Self {
        Self {
            name,
            act: Box::new(act),
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub struct Row {
    scenario: &'static str,
    subject: &'static str,
    walls: Vec<Duration>,
    cpu: Duration,
    peak: u64,
    to_uv: Option<f64>,
    to_floor: Option<f64>,
}

/// Lets the subjects take turns, in the opposite order every other time, and compares their medians with the first
/// subject whose name starts with `uv` and with the first that starts with `floor`.
pub fn alternate(
    scenario: &'static str,
    runs: u32,
    mut subjects: Vec<Subject<'_>>,
) -> io::Result<Vec<Row>> {
    let mut samples: Vec<Vec<Sample>> = subjects.iter().map(|_| Vec::new()).collect();
    for run in 0..runs {
        let mut order: Vec<usize> = (0..subjects.len()).collect();
        if run % 2 == 1 {
            order.reverse();
        }
        for index in order {
            samples[index].push((subjects[index].act)(run)?);
        }
    }
    let mut rows: Vec<Row> = subjects
        .iter()
        .zip(&samples)
        .map(|(subject, samples)| Row::new(scenario, subject.name, samples))
        .collect();
    let of = |prefix: &str| {
        rows.iter()
            .find(|r| r.subject.starts_with(prefix))
            .map(Row::median)
    };
    let (uv, floor) = (of("uv"), of("floor"));
    for row in &mut rows {
        row.to_uv = uv.map(|uv| row.median().as_secs_f64() / uv.as_secs_f64());
        row.to_floor = floor.map(|floor| row.median().as_secs_f64() / floor.as_secs_f64());
    }
    Ok(rows)
}

impl Row {
    fn new(scenario: &'static str, subject: &'static str, samples: &[Sample]) -> Self {
        let mut walls: Vec<Duration> = samples.iter().map(|s| s.wall).collect();
        walls.sort_unstable();
        let mut cpu: Vec<Duration> = samples.iter().map(|s| s.cpu).collect();
        cpu.sort_unstable();
        Self {
            scenario,
            subject,
            cpu: cpu[cpu.len() / 2],
            walls,
            peak: samples.iter().map(|s| s.peak).max().unwrap_or(0),
            to_uv: None,
            to_floor: None,
        }
    }

    fn median(&self) -> Duration {
        let middle = self.walls.len() / 2;
        if self.walls.len() % 2 == 1 {
            self.walls[middle]
        } else {
            (self.walls[middle - 1] + self.walls[middle]) / 2
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = |r: Option<f64>| r.map_or_else(|| "-".to_owned(), |r| format!("{r:.2}"));
        let (first, last) = (self.walls[0], self.walls[self.walls.len() - 1]);
        write!(
            f,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.scenario,
            self.subject,
            time(first),
            time(self.median()),
            time(last),
            if self.cpu.is_zero() {
                "-".to_owned()
            } else {
                time(self.cpu)
            },
            if self.peak == 0 {
                "-".to_owned()
            } else {
                format!("{} MB", self.peak / 1_000_000)
            },
            ratio(self.to_uv),
            ratio(self.to_floor),
        )
    }
}

fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_compared_by_their_medians() {
        let act = |ms: u64| {
            move |run: u32| {
                Ok(Sample::of_wall(Duration::from_millis(
                    ms * u64::from(run + 1),
                )))
            }
        };
        let subjects = vec![
            Subject::new("uv", act(40)),
            Subject::new("dhtl", act(20)),
            Subject::new("floor", act(10)),
        ];
        let rows = alternate("warm", 3, subjects).unwrap();
        assert_eq!(
            rows[1].to_string(),
            "| warm | dhtl | 20.0 ms | 40.0 ms | 60.0 ms | - | - | 0.50 | 2.00 |"
        );
    }

    #[test]
    fn turns_alternate() {
        let order = std::cell::RefCell::new(String::new());
        let act = |name: char| {
            let order = &order;
            move |_| {
                order.borrow_mut().push(name);
                Ok(Sample::default())
            }
        };
        alternate(
            "x",
            2,
            vec![Subject::new("a", act('a')), Subject::new("b", act('b'))],
        )
        .unwrap();
        assert_eq!(*order.borrow(), "abba");
    }
}
