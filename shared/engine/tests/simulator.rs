//! Twenty people, everything goes wrong, nothing is lost, nothing is shown twice, nothing stays unopened.

use chopar_engine::simulator::{Config, Faults, run};

fn size(bounded: usize, full: usize) -> usize {
    if std::env::var_os("CHOPAR_FULL").is_some() {
        full
    } else {
        bounded
    }
}

/// P-090, P-094, P-095, T-005, T-012.
#[test]
fn nothing_is_lost_or_doubled() {
    let report = run(Config::standard(1, size(10_000, 100_000)));
    println!("{report:?}");
    let [drops, crashes, restarts] = report.mishaps;
    assert!(
        drops > 50 && crashes > 50 && restarts > 1,
        "little went wrong: {:?}",
        report.mishaps
    );
}

/// P-008.
#[test]
fn the_same_seed_comes_to_the_same_end() {
    let config = Config {
        people: 5,
        ..Config::standard(7, size(300, 3_000))
    };
    let (once, again) = (run(config), run(config));
    assert_eq!(once, again);
    assert_ne!(once.digest, run(Config { seed: 8, ..config }).digest);
}

/// P-090, P-094.
#[test]
fn many_rough_seeds_come_through() {
    // Small and rough: each engine crashes every few seconds, so that every kind of step is crashed in somewhere.
    let faults = Faults {
        delay_ms: 400,
        drop_ms: 8_000,
        crash_ms: 6_000,
        restart_ms: 30_000,
        twice_percent: 10,
    };
    for seed in 100..100 + size(20, 300) as u64 {
        let report = run(Config {
            people: 4,
            pace_ms: 200,
            faults,
            ..Config::standard(seed, 150)
        });
        assert!(report.mishaps[1] >= 5, "seed {seed}: {:?}", report.mishaps);
    }
}
