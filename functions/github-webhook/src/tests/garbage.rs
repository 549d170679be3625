//! Correctly signed nonsense: whatever the bytes are, the answer is a status with a reason, never a crash (threat 15).

use super::{
    bodies,
    support::{Rig, SECRET, delivered, sign},
};
use crate::payload::Name;

/// A small generator with a fixed seed: the same cases in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// One to four small changes: another byte, a cut, a part twice, a token that JSON cares about.
    fn mangle(&mut self, body: &mut Vec<u8>) {
        const TOKENS: [&[u8]; 10] =
            [b"null", b"{}", b"[]", b"-1", b"1e400", b"\"\"", b"18446744073709551616", b",", b"\\ud800", b"\0"];
        for _ in 0..=self.below(3) {
            let at = self.below(body.len().max(1));
            match self.below(4) {
                0 if at < body.len() => body[at] = self.below(256) as u8,
                1 => body.truncate(at),
                2 => {
                    let part = body[at..(at + self.below(60)).min(body.len())].to_vec();
                    body.splice(at..at, part);
                }
                _ => {
                    let end = (at + self.below(12)).min(body.len());
                    body.splice(at..end, TOKENS[self.below(TOKENS.len())].iter().copied());
                }
            }
        }
    }
}

#[tokio::test]
async fn signed_nonsense_gets_a_status_and_a_reason() {
    let originals: Vec<Vec<u8>> = bodies::all().into_iter().map(|(_, body)| body.to_string().into_bytes()).collect();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut seen = [0; 4];
    for case in 0..9_000 {
        let rig = Rig::new();
        let which = case % originals.len();
        let mut body = originals[which].clone();
        dice.mangle(&mut body);
        let request = delivered(Name::ALL[which].as_str(), "d-1", &body, &sign(SECRET, &body));
        let (status, answer) = rig.raw(request).await;
        let kind = [200, 202, 400, 422].iter().position(|expected| *expected == status);
        let kind =
            kind.unwrap_or_else(|| panic!("{status} for case {case}: {answer}\n{}", String::from_utf8_lossy(&body)));
        seen[kind] += 1;
        assert_eq!(rig.writes(), usize::from(status == 202));
    }
    assert!(seen.iter().all(|count| *count > 100), "the cases reach too little: {seen:?}");
}
