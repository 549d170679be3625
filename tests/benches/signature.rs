//! `make bench`: whether the time of a signature's comparison tells where a forged one is wrong (threat 2).
//!
//! After dudect (Reparaz, Balasch, Verbauwhede, "Dude, is my code constant time?", 2017): two classes of forged signatures, wrong in the
//! first byte and wrong in the last, are verified in a random order; Welch's t-test compares the times, whole and with the slow tail cut
//! off at several percentiles. |t| below 4.5 over a million samples says that no difference was found. A comparison that stops at
//! the first difference is measured beside it, so that the measurement is known to see what it looks for.
//!
//! Other work on the machine makes noise, not a false difference; still this is a measurement and no test: it is run by hand, and
//! a `|t|` above the limit is a reason to look, and to run it again.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock, and stops when it cannot"
)]

use std::{hint::black_box, process::ExitCode, time::Instant};

use common::{http::Request, webhook_secret::Keys};
use github_webhook::{secret::verify, signature::Signature};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

const SAMPLES: usize = 1_000_000;
const LIMIT: f64 = 4.5;
const SECRET: &str = "It's a Secret to Everybody";
const BODY: &[u8] = b"{\"zen\":\"a small body, so that little but the comparison is measured\"}";

/// Splitmix64 from a fixed start: which class comes next must not follow anything that the machine does.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Count, mean and sum of squared differences, one sample at a time (Welford).
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, sample: f64) {
        self.count += 1.0;
        let difference = sample - self.mean;
        self.mean += difference / self.count;
        self.squares += difference * (sample - self.mean);
    }

    fn variance_of_mean(&self) -> f64 {
        self.squares / (self.count - 1.0) / self.count
    }
}

fn welch(classes: [Moments; 2]) -> f64 {
    let [one, other] = classes;
    (one.mean - other.mean) / (one.variance_of_mean() + other.variance_of_mean()).sqrt()
}

/// The largest |t| over all samples and over those below each percentile.
fn largest_t(samples: &[(usize, f64)]) -> f64 {
    let mut times: Vec<f64> = samples.iter().map(|(_, time)| *time).collect();
    times.sort_by(f64::total_cmp);
    let cuts = [0.5, 0.75, 0.9, 0.95, 0.99].map(|part| times[(times.len() as f64 * part) as usize]);
    let t = |cut: f64| {
        let mut classes = [Moments::default(); 2];
        for (class, time) in samples.iter().filter(|(_, time)| *time <= cut) {
            classes[*class].add(*time);
        }
        welch(classes).abs()
    };
    cuts.into_iter().chain([f64::INFINITY]).map(t).fold(0.0, f64::max)
}

fn measure(mut verify: impl FnMut(usize) -> bool) -> f64 {
    let mut dice = Dice(20_261_121);
    let mut samples = Vec::with_capacity(SAMPLES);
    for at in 0..SAMPLES + SAMPLES / 100 {
        let class = (dice.next() & 1) as usize;
        let start = Instant::now();
        let passed = black_box(verify(black_box(class)));
        let time = start.elapsed().as_nanos() as f64;
        assert!(!passed, "a forged signature passed");
        // The first hundredth warms caches and predictors.
        if at >= SAMPLES / 100 {
            samples.push((class, time));
        }
    }
    largest_t(&samples)
}

fn main() -> ExitCode {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(BODY);
    let right: [u8; 32] = mac.finalize().into_bytes().into();
    let wrong_at = |at: usize| {
        let mut forged = right;
        forged[at] ^= 1;
        forged
    };
    let forged = [wrong_at(0), wrong_at(31)];
    let signatures = forged.map(|digest| {
        let header = format!("sha256={}", hex::encode(digest));
        let request: Request =
            serde_json::from_value(serde_json::json!({"headers": {"x-hub-signature-256": header}})).unwrap();
        Signature::of(&request).unwrap()
    });
    let now: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
    println!("forged signatures, wrong in the first byte or in the last, {SAMPLES} samples, limit |t| < {LIMIT}");
    let mut missed = false;
    for (what, secret) in [
        ("one secret", serde_json::json!({"current": SECRET})),
        (
            "in a rotation",
            serde_json::json!({"current": "the next secret, also long", "previous": SECRET, "previous_expires_at": "2026-02-01T00:00:00Z"}),
        ),
    ] {
        let keys = Keys::parse(&secret.to_string().into()).unwrap();
        let t = measure(|class| verify(&keys, BODY, &signatures[class], now).is_some());
        println!("  {what:<14} |t| = {t:.2}");
        missed |= t >= LIMIT;
    }
    let leaky = measure(|class| forged[class].iter().zip(&right).all(|(one, other)| black_box(one == other)));
    println!("  for comparison, one that stops at the first difference: |t| = {leaky:.1}");
    if leaky < LIMIT {
        eprintln!("the measurement does not see even that: it says nothing about the others on this machine");
    }
    if missed || leaky < LIMIT { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
