//! AWS IoT Core: things, policies and certificates of one account and region, over credentials that were proven to be that account's.
//!
//! `CreateKeysAndCertificate` is not called and not granted: its answer carries the private key.
//! Codes and limits: <https://docs.aws.amazon.com/iot/latest/apireference/API_Operations.html>.

use std::collections::BTreeSet;

use aws_sdk_iot::{
    Client,
    config::Config,
    error::SdkError,
    types::{AttributePayload, CertificateStatus, ThingPrincipalType},
};
use aws_smithy_types::{DateTime, error::metadata::ProvideErrorMetadata, retry::RetryConfig};
use jiff::Timestamp;

use super::{Aws, chain, config, fault};
use crate::{
    domain::{
        certificate::{SeenPolicy, SeenThing, Status},
        id::CertificateId,
    },
    fault::Fault,
    ports::{Attached, Broker, BrokerCertificate, NewCertificate},
};

/// The IAM actions that [`Broker`] needs, in the account of the broker.
pub const ACTIONS: &[&str] = &[
    "iot:AttachPolicy",
    "iot:AttachThingPrincipal",
    "iot:CreateCertificateFromCsr",
    "iot:CreatePolicy",
    "iot:CreatePolicyVersion",
    "iot:CreateThing",
    "iot:DeleteCertificate",
    "iot:DeletePolicy",
    "iot:DeletePolicyVersion",
    "iot:DeleteThing",
    "iot:DescribeCertificate",
    "iot:DescribeEndpoint",
    "iot:DescribeThing",
    "iot:DetachPolicy",
    "iot:DetachThingPrincipal",
    "iot:GetPolicy",
    "iot:ListAttachedPolicies",
    "iot:ListCertificates",
    "iot:ListPolicyVersions",
    "iot:ListPrincipalThings",
    "iot:ListTargetsForPolicy",
    "iot:ListThingPrincipals",
    "iot:UpdateCertificate",
];

/// How many certificates a page has: the service's most.
const PAGE: i32 = 250;

/// The attribute of a thing that says whose it is.
const OWNER: &str = "penstock-cluster";

/// AWS IoT Core in one place.
#[derive(Debug, Clone)]
pub struct Iot {
    client: Client,
}

impl Iot {
    /// A client of the place whose credentials and region `aws` holds.
    pub fn new(aws: &Aws) -> Self {
        Self { client: Client::from_conf(config!(aws_sdk_iot, aws, "IOT").build()) }
    }
}

/// Codes that say no more than that something is not as it was read, or not yet.
const CHANGED: &[&str] = &[
    "CertificateStateException",
    "ConflictingResourceUpdateException",
    "DeleteConflictException",
    "LimitExceededException",
    "ResourceAlreadyExistsException",
    "ResourceNotFoundException",
    "TransferConflictException",
    "VersionConflictException",
    "VersionsLimitExceededException",
];

fn failed<E, R>(what: &str, error: SdkError<E, R>) -> Fault
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.code() {
        Some(code) if CHANGED.contains(&code) => Fault::retry_from(what, chain(&error)),
        Some(code @ ("MalformedPolicyException" | "UnauthorizedException")) => {
            let what = format!("{what}: AWS answered {code}");
            Fault::bug_from(what, chain(&error))
        }
        _ => fault(what, error),
    }
}

/// Nothing where the service says that there is nothing.
fn there<T, E, R>(what: &str, answer: Result<T, SdkError<E, R>>) -> Result<Option<T>, Fault>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(failed(what, error)),
    }
}

fn lacks(what: &str, field: &str) -> Fault {
    Fault::bug(format!("{what}: the answer lacks {field}"))
}

fn time(what: &str, at: Option<DateTime>) -> Result<Timestamp, Fault> {
    let at = at.ok_or_else(|| lacks(what, "the time"))?;
    let millis = at.to_millis().map_err(|error| Fault::bug_from(what, error))?;
    Timestamp::from_millisecond(millis).map_err(|error| Fault::bug_from(what, error))
}

fn status(status: Option<CertificateStatus>) -> Status {
    match status {
        Some(CertificateStatus::Active) => Status::Active,
        Some(CertificateStatus::Inactive) => Status::Inactive,
        Some(CertificateStatus::Revoked) => Status::Revoked,
        _ => Status::Other,
    }
}

/// The certificates among principals: a thing may have others, such as Cognito identities.
fn certificates(arns: impl IntoIterator<Item = String>) -> BTreeSet<CertificateId> {
    arns.into_iter().filter_map(|arn| arn.rsplit_once(":cert/")?.1.parse().ok()).collect()
}

impl Broker for Iot {
    async fn endpoint(&self) -> Result<String, Fault> {
        let what = "asking for the broker's address";
        let answer = self.client.describe_endpoint().endpoint_type("iot:Data-ATS").send().await;
        answer.map_err(|error| failed(what, error))?.endpoint_address.ok_or_else(|| lacks(what, "the address"))
    }

    async fn thing(&self, name: &str) -> Result<Option<SeenThing>, Fault> {
        let answer = self.client.describe_thing().thing_name(name).send().await;
        let answer = there(&format!("reading the thing {name}"), answer)?;
        Ok(answer.map(|thing| SeenThing { owner: thing.attributes.and_then(|mut all| all.remove(OWNER)) }))
    }

    async fn create_thing(&self, name: &str, owner: &str) -> Result<(), Fault> {
        let attributes = AttributePayload::builder().attributes(OWNER, owner).build();
        let request = self.client.create_thing().thing_name(name).attribute_payload(attributes);
        request.send().await.map(drop).map_err(|error| failed(&format!("making the thing {name}"), error))
    }

    async fn delete_thing(&self, name: &str) -> Result<(), Fault> {
        let answer = self.client.delete_thing().thing_name(name).send().await;
        // Detaching takes seconds to be seen, and a thing that still has a certificate is refused as an invalid request.
        if let Err(error) = &answer
            && error.code() == Some("InvalidRequestException")
        {
            return Err(Fault::retry_from(format!("deleting the thing {name}"), chain(error)));
        }
        there(&format!("deleting the thing {name}"), answer).map(drop)
    }

    async fn of_thing(&self, name: &str) -> Result<BTreeSet<CertificateId>, Fault> {
        let what = format!("listing the certificates of the thing {name}");
        let all = self.client.list_thing_principals().thing_name(name).into_paginator().items().send();
        Ok(there(&what, all.collect::<Result<Vec<_>, _>>().await)?.map(certificates).unwrap_or_default())
    }

    async fn policy(&self, name: &str) -> Result<Option<SeenPolicy>, Fault> {
        let what = format!("reading the policy {name}");
        let Some(policy) = there(&what, self.client.get_policy().policy_name(name).send().await)? else {
            return Ok(None);
        };
        let answer = self.client.list_policy_versions().policy_name(name).send().await;
        let mut others = Vec::new();
        for version in there(&what, answer)?.and_then(|answer| answer.policy_versions).unwrap_or_default() {
            if !version.is_default_version {
                others.push((
                    time(&what, version.create_date)?,
                    version.version_id.ok_or_else(|| lacks(&what, "a version's id"))?,
                ));
            }
        }
        others.sort();
        let document = policy.policy_document.ok_or_else(|| lacks(&what, "the document"))?;
        Ok(Some(SeenPolicy { document, others: others.into_iter().map(|(_, version)| version).collect() }))
    }

    async fn create_policy(&self, name: &str, document: &str) -> Result<(), Fault> {
        let answer = self.client.create_policy().policy_name(name).policy_document(document).send().await;
        answer.map(drop).map_err(|error| failed(&format!("making the policy {name}"), error))
    }

    async fn replace_policy(&self, name: &str, document: &str) -> Result<(), Fault> {
        let request = self.client.create_policy_version().policy_name(name).policy_document(document);
        let answer = request.set_as_default(true).send().await;
        answer.map(drop).map_err(|error| failed(&format!("putting the policy {name} in force"), error))
    }

    async fn prune_policy(&self, name: &str, version: &str) -> Result<(), Fault> {
        let answer = self.client.delete_policy_version().policy_name(name).policy_version_id(version).send().await;
        there(&format!("deleting a version of the policy {name}"), answer).map(drop)
    }

    async fn delete_policy(&self, name: &str) -> Result<(), Fault> {
        let answer = self.client.delete_policy().policy_name(name).send().await;
        there(&format!("deleting the policy {name}"), answer).map(drop)
    }

    async fn of_policy(&self, name: &str) -> Result<BTreeSet<CertificateId>, Fault> {
        let what = format!("listing what the policy {name} is attached to");
        let (mut all, mut marker) = (Vec::new(), None);
        loop {
            let request = self.client.list_targets_for_policy().policy_name(name).set_marker(marker);
            let Some(page) = there(&what, request.send().await)? else { return Ok(BTreeSet::new()) };
            all.extend(page.targets.unwrap_or_default());
            marker = page.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                return Ok(certificates(all));
            }
        }
    }

    async fn issue(&self, request: &str) -> Result<NewCertificate, Fault> {
        let what = "making a certificate";
        // Not tried again by the SDK: each attempt that arrives makes another certificate.
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let call = self.client.create_certificate_from_csr().certificate_signing_request(request).set_as_active(false);
        let answer = call.customize().config_override(once).send().await.map_err(|error| failed(what, error))?;
        let id = (answer.certificate_id.as_deref().ok_or_else(|| lacks(what, "the id"))?)
            .parse()
            .map_err(|error| Fault::bug_from(what, error))?;
        Ok(NewCertificate {
            id,
            arn: answer.certificate_arn.ok_or_else(|| lacks(what, "the ARN"))?,
            pem: answer.certificate_pem.ok_or_else(|| lacks(what, "the certificate"))?,
        })
    }

    async fn certificate(&self, id: &CertificateId) -> Result<Option<BrokerCertificate>, Fault> {
        let what = format!("reading the certificate {id}");
        let answer = self.client.describe_certificate().certificate_id(id.as_str()).send().await;
        let Some(found) = there(&what, answer)?.and_then(|answer| answer.certificate_description) else {
            return Ok(None);
        };
        Ok(Some(BrokerCertificate {
            arn: found.certificate_arn.ok_or_else(|| lacks(&what, "the ARN"))?,
            pem: found.certificate_pem.ok_or_else(|| lacks(&what, "the certificate"))?,
            status: status(found.status),
            made_at: time(&what, found.creation_date)?,
        }))
    }

    async fn set_status(&self, id: &CertificateId, status: Status) -> Result<(), Fault> {
        let what = format!("changing the status of the certificate {id}");
        let status = match status {
            Status::Active => CertificateStatus::Active,
            Status::Inactive => CertificateStatus::Inactive,
            Status::Revoked => CertificateStatus::Revoked,
            Status::Other => return Err(Fault::bug(format!("{what}: there is no such status"))),
        };
        let answer = self.client.update_certificate().certificate_id(id.as_str()).new_status(status).send().await;
        answer.map(drop).map_err(|error| failed(&what, error))
    }

    async fn delete_certificate(&self, id: &CertificateId) -> Result<(), Fault> {
        let answer = self.client.delete_certificate().certificate_id(id.as_str()).send().await;
        there(&format!("deleting the certificate {id}"), answer).map(drop)
    }

    async fn attached(&self, id: &CertificateId, arn: &str) -> Result<Attached, Fault> {
        let what = format!("asking what is attached to the certificate {id}");
        let (mut policies, mut marker) = (BTreeSet::new(), None);
        loop {
            let request = self.client.list_attached_policies().target(arn).set_marker(marker);
            let Some(page) = there(&what, request.send().await)? else { break };
            policies.extend(page.policies.unwrap_or_default().into_iter().filter_map(|policy| policy.policy_name));
            marker = page.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                break;
            }
        }
        let things = self.client.list_principal_things().principal(arn).into_paginator().items().send();
        let things = there(&what, things.collect::<Result<Vec<_>, _>>().await)?.unwrap_or_default();
        Ok(Attached { policies, things: things.into_iter().collect() })
    }

    async fn attach_policy(&self, policy: &str, arn: &str) -> Result<(), Fault> {
        let answer = self.client.attach_policy().policy_name(policy).target(arn).send().await;
        answer.map(drop).map_err(|error| failed(&format!("attaching the policy {policy}"), error))
    }

    async fn detach_policy(&self, policy: &str, arn: &str) -> Result<(), Fault> {
        let answer = self.client.detach_policy().policy_name(policy).target(arn).send().await;
        there(&format!("detaching the policy {policy}"), answer).map(drop)
    }

    async fn attach_thing(&self, thing: &str, arn: &str) -> Result<(), Fault> {
        let request = self.client.attach_thing_principal().thing_name(thing).principal(arn);
        let answer = request.thing_principal_type(ThingPrincipalType::ExclusiveThing).send().await;
        answer.map(drop).map_err(|error| failed(&format!("attaching the thing {thing}"), error))
    }

    async fn detach_thing(&self, thing: &str, arn: &str) -> Result<(), Fault> {
        let answer = self.client.detach_thing_principal().thing_name(thing).principal(arn).send().await;
        there(&format!("detaching the thing {thing}"), answer).map(drop)
    }

    async fn inactive_since(&self, from: Timestamp) -> Result<BTreeSet<CertificateId>, Fault> {
        let what = "listing the certificates of the account";
        let mut all = self.client.list_certificates().page_size(PAGE).into_paginator().items().send();
        let mut found = BTreeSet::new();
        while let Some(one) = all.next().await {
            let one = one.map_err(|error| failed(what, error))?;
            if status(one.status) == Status::Inactive && time(what, one.creation_date)? >= from {
                let id = one.certificate_id.ok_or_else(|| lacks(what, "an id"))?;
                found.insert(id.parse().map_err(|error| Fault::bug_from(what, error))?);
            }
        }
        Ok(found)
    }
}
