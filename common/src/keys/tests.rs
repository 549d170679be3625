use proptest::prelude::*;
use rcgen::{BasicConstraints, IsCa, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

use super::*;

/// Requests of RSA keys, made once with openssl: ring makes none. The keys are nowhere.
const RSA_2048: &str = include_str!("rsa_2048_request.pem");
const RSA_1024: &str = include_str!("rsa_1024_request.pem");

const NAME: &str = "mc01-maestro-agent";

fn made(pair: &KeyPair, names: &[(DnType, &str)], change: impl FnOnce(&mut CertificateParams)) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, name) in names {
        params.distinguished_name.push(kind.clone(), *name);
    }
    change(&mut params);
    params.serialize_request(pair).unwrap().pem().unwrap()
}

fn pair() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn refusal(pem: &str) -> String {
    request(pem, NAME).unwrap_err().to_string()
}

#[test]
fn what_is_minted_is_in_order_and_its_key_is_nowhere_shown() {
    let minted = mint(NAME).unwrap();
    assert_eq!(request(&minted.request.pem, NAME).unwrap(), minted.request);
    assert_eq!(public_key_of(&minted.key), Some(minted.request.public_key.clone()));
    assert_ne!(mint(NAME).unwrap().request.public_key, minted.request.public_key);
    let secret = minted.key.expose_secret().lines().nth(1).unwrap().to_owned();
    assert!(!format!("{minted:?}").contains(&secret));
}

#[test]
fn a_request_of_another_is_taken_when_its_key_is_strong_and_its_name_right() {
    let good = made(&pair(), &[(DnType::CommonName, NAME)], |_| {});
    assert!(request(&good, NAME).is_ok());
    assert!(request(&format!("\n{good}\n"), NAME).is_ok());
    assert!(request(RSA_2048, NAME).is_ok());
}

#[test]
fn every_other_request_is_refused_with_what_is_wrong() {
    let named = [(DnType::CommonName, NAME)];
    let other = [(DnType::CommonName, "mc02-maestro-agent")];
    let two = [(DnType::CommonName, NAME), (DnType::OrganizationName, "acme")];
    let authority = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let cases = [
        ("another name", made(&pair(), &other, |_| {})),
        ("two names", made(&pair(), &two, |_| {})),
        ("no name", made(&pair(), &[], |_| {})),
        ("an authority", made(&pair(), &named, authority)),
        ("P-384", made(&p384, &named, |_| {})),
        ("Ed25519", made(&ed25519, &named, |_| {})),
        ("RSA of 1024 bits", RSA_1024.to_owned()),
        ("no PEM", "hello".to_owned()),
        ("a certificate's label", made(&pair(), &named, |_| {}).replace("CERTIFICATE REQUEST", "CERTIFICATE")),
        ("two requests", made(&pair(), &named, |_| {}).repeat(2)),
        ("too long", "x".repeat(MAX_REQUEST + 1)),
    ];
    let lines: Vec<_> = cases.iter().map(|(what, pem)| format!("{what}: {}", refusal(pem))).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    another name: csr: its name is "mc02-maestro-agent", expected CN=mc01-maestro-agent
    two names: csr: its subject is not one common name alone, expected CN=mc01-maestro-agent
    no name: csr: its subject is not one common name alone, expected CN=mc01-maestro-agent
    an authority: csr: it asks to be an authority
    P-384: csr: its key is neither RSA of 2048 bits or more nor of the curve P-256
    Ed25519: csr: its key is neither RSA of 2048 bits or more nor of the curve P-256
    RSA of 1024 bits: csr: its RSA key has 1024 bits, expected 2048 or more; it is not signed with its own key
    no PEM: csr: expected one CERTIFICATE REQUEST as PEM, and nothing else
    a certificate's label: csr: expected one CERTIFICATE REQUEST as PEM, and nothing else
    two requests: csr: expected one CERTIFICATE REQUEST as PEM, and nothing else
    too long: csr: 8193 bytes, expected at most 8192
    "#);
}

#[test]
fn a_request_that_was_changed_is_not_signed_with_its_key() {
    let pem = made(&pair(), &[(DnType::CommonName, "mc02-maestro-agent")], |_| {});
    let mut der = contents(&pem, "CERTIFICATE REQUEST").unwrap();
    let at = der.windows(4).position(|part| part == b"mc02").unwrap();
    der[at + 3] = b'1';
    let forged = format!("-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n", base64(&der));
    assert_eq!(refusal(&forged), "csr: it is not signed with its own key");
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = bytes.chunks(3).map(|chunk| {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..4)
            .map(|at| if at > chunk.len() { '=' } else { LETTERS[(bits >> (18 - 6 * at) & 63) as usize] as char })
            .collect::<String>()
    });
    letters.collect::<Vec<_>>().chunks(16).map(<[String]>::concat).collect::<Vec<_>>().join("\n")
}

proptest! {
    #[test]
    fn any_bytes_are_refused_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..600, flip in 1u8..) {
        let text = format!("-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n", base64(&bytes));
        prop_assert!(request(&text, NAME).is_err());
        prop_assert!(certificate(&text).is_err());
        prop_assert!(public_key_of(&SecretString::from(text)).is_none());
        // One byte of a good request is another: it is refused, or was none of those that are signed (the outer tag).
        let good = mint(NAME).unwrap().request;
        let mut der = contents(&good.pem, "CERTIFICATE REQUEST").unwrap();
        let at = at % der.len();
        der[at] ^= flip;
        let text = format!("-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n", base64(&der));
        prop_assert!(request(&text, NAME).map_or(true, |taken| taken.public_key == good.public_key));
    }
}
