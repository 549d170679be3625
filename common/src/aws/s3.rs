//! S3: the governance bundle, and compiled specifications.

use aws_sdk_s3::{Client, primitives::ByteStream};

use super::{Aws, config, fault};
use crate::{
    domain::{
        cluster::CompiledSpec,
        governance::Governance,
        id::{Digest, PipelineName},
    },
    fault::Fault,
    ports::Specs,
};

/// The IAM actions that [`governance`] needs.
pub const GOVERNANCE_ACTIONS: &[&str] = &["s3:GetObject"];

/// The IAM actions that [`SpecBucket`] needs.
pub const SPECS_ACTIONS: &[&str] = &["s3:PutObject"];

fn client(aws: &Aws) -> Client {
    let emulated = aws.settings.endpoint("S3").is_some();
    // An emulator has no wildcard DNS for `<bucket>.localhost`.
    Client::from_conf(config!(aws_sdk_s3, aws, "S3").force_path_style(emulated).build())
}

/// The files that the control plane runs by: what stands under `governance/<digest>.json`.
///
/// # Errors
/// `Retry` when S3 did not answer; `Bug` when the object is missing, has another digest or cannot be run by, with every finding in it.
pub async fn governance(aws: &Aws, bucket: &str, digest: &Digest) -> Result<Governance, Fault> {
    Governance::parse(&governance_bundle(aws, bucket, digest).await?).map_err(|findings| {
        let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
        Fault::bug(format!("the governance configuration cannot be run by: {}", findings.join("; ")))
    })
}

/// The bytes of `governance/<digest>.json`, which are what the digest says.
///
/// # Errors
/// `Retry` when S3 did not answer; `Bug` when the object is missing or its bytes have another digest.
async fn governance_bundle(aws: &Aws, bucket: &str, digest: &Digest) -> Result<Vec<u8>, Fault> {
    let key = format!("governance/{digest}.json");
    let what = format!("reading the governance configuration s3://{bucket}/{key}");
    let object = client(aws).get_object().bucket(bucket).key(&key).send().await.map_err(|error| {
        if error.as_service_error().is_some_and(|error| error.is_no_such_key()) {
            Fault::bug(format!("{what}: there is no such object; deploy the control plane's configuration again"))
        } else {
            fault(&what, error)
        }
    })?;
    let bytes = object.body.collect().await.map_err(|error| Fault::retry_from(&what, error))?.to_vec();
    let found = Digest::of(&bytes);
    if found != *digest {
        return Err(Fault::bug(format!("{what}: its bytes have the digest {found}; somebody wrote over it")));
    }
    Ok(bytes)
}

/// Where compiled specifications are kept.
#[derive(Debug, Clone)]
pub struct SpecBucket {
    client: Client,
    bucket: String,
}

impl SpecBucket {
    /// The specifications in this bucket.
    pub fn new(aws: &Aws, bucket: &str) -> Self {
        Self { client: client(aws), bucket: bucket.to_owned() }
    }
}

impl Specs for SpecBucket {
    async fn put(&self, pipeline: &PipelineName, spec: &CompiledSpec) -> Result<(), Fault> {
        let key = format!("specs/{pipeline}/{}.json", spec.config_sha256);
        let what = format!("storing the specification s3://{}/{key}", self.bucket);
        let body = serde_json::to_vec(spec).map_err(|error| Fault::bug_from(&what, error))?;
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(&key)
            .content_type("application/json")
            .body(ByteStream::from(body))
            .send()
            .await
            .map_err(|error| fault(&what, error))?;
        Ok(())
    }
}
