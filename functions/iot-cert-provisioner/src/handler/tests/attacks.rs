//! Somebody else acts, or the world changes: what is revoked is revoked, what was switched off stays off, and nobody's certificate is ended
//! because its text stands in another's secret.

use super::*;

async fn refused(world: &World, action: Action) -> String {
    let fault = act(world, action, "refused", None).await.unwrap_err();
    assert!(!fault.is_retry(), "{fault}");
    fault.to_string()
}

fn status(world: &World, id: &CertificateId) -> Status {
    world.broker_certificates(&broker())[id].0.status
}

#[tokio::test]
async fn a_certificate_with_another_policy_is_revoked_all_the_same() {
    let world = world().await;
    let first = ensure(&world).await.certificate.unwrap().id;
    world.attach_other_policy(&broker(), &first, "quarantine");
    assert_eq!(act(&world, Action::Revoke, "v", None).await.unwrap().outcome, Outcome::Revoked);
    assert_eq!(status(&world, &first), Status::Revoked);
}

#[tokio::test]
async fn revoking_needs_neither_the_secrets_account_nor_its_tag_nor_the_files_of_before_nor_a_free_claim() {
    let world = world().await;
    let first = ensure(&world).await.certificate.unwrap().id;
    world.untag_secret(&home(), SECRET);
    world.close_account(&home(), true);
    let moved = [
        ("account_id", "333333333333"),
        ("region", "eu-west-1"),
        ("alias", "mc01"),
        ("terraform_vars.cluster_id", "other"),
        ("terraform_vars.regional_aws_account_id", "111111111111"),
    ];
    record(&world, MC01, &moved).await;
    let before = world.certificate(&id(MC01)).await.unwrap().unwrap();
    let mut claimed = before.clone();
    claimed.claimed_until = Some(world.now() + CLAIM);
    let work = Work {
        cluster: id(MC01),
        action: Action::Ensure,
        request: id("dead"),
        csr: None,
        certificate: None,
        cause: id("c"),
    };
    world.commit_certificate(&telling::intent(&work, Some(before), &claimed, &[], world.now())).await.unwrap();
    assert_eq!(act(&world, Action::Revoke, "v", None).await.unwrap().outcome, Outcome::Revoked);
    assert_eq!(status(&world, &first), Status::Revoked);
}

#[tokio::test]
async fn what_a_call_brings_into_use_while_its_cluster_is_revoked_ends_with_the_next_upkeep() {
    let world = world().await;
    ensure(&world).await;
    world.heal();
    act(&world, Action::Rotate, "r", None).await.unwrap();
    let calls = world.calls();
    let activation = calls.iter().position(|call| call.name == "Iot.UpdateCertificate").unwrap();
    let fresh = super::world().await;
    ensure(&fresh).await;
    fresh.heal();
    // The rotation is about to let the new one connect when everything is revoked.
    fresh.before_call(activation, |world| {
        let world = world.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(act(&world, Action::Revoke, "v", None)).unwrap();
        })
        .join()
        .unwrap();
    });
    let _ = act(&fresh, Action::Rotate, "r", None).await;
    fresh.pass(CLAIM);
    function(&fresh).sweep().await.unwrap();
    let active = |world: &World| {
        world.broker_certificates(&broker()).values().filter(|(one, _)| one.status == Status::Active).count()
    };
    assert_eq!(active(&fresh), 0);
}

#[tokio::test]
async fn what_somebody_switched_off_stays_off_until_it_is_asked_for() {
    let world = world().await;
    let first = ensure(&world).await.certificate.unwrap().id;
    for off in [Status::Inactive, Status::Revoked] {
        world.set_certificate_status(&broker(), &first, off);
        world.pass(SignedDuration::from_hours(200 * 24));
        let said = function(&world).sweep().await.unwrap_err().to_string();
        assert!(said.contains("was switched off outside Penstock"), "{said}");
        assert_eq!(world.broker_certificates(&broker()).len(), 1, "no other is made, and this one is kept");
    }
    assert_eq!(ensure(&world).await.outcome, Outcome::Rotated);
}

#[tokio::test]
async fn anothers_certificate_in_the_secret_is_neither_used_nor_ended() {
    let world = world().await;
    let mine = ensure(&world).await.certificate.unwrap().id;
    let other = world.put_certificate(&broker(), "mc010-maestro-agent");
    let pem = world.broker_certificates(&broker())[&other].0.pem.clone();
    world.write_secret(&home(), SECRET, &json!({"certificate": pem, "caCert": "x"}).to_string());
    function(&world).sweep().await.unwrap();
    world.pass(SignedDuration::from_hours(30));
    function(&world).sweep().await.unwrap();
    assert_ne!(in_use(&world), Some(other.clone()));
    world.write_secret(&home(), SECRET, &json!({"certificate": pem, "caCert": "x"}).to_string());
    act(&world, Action::Delete, "d", None).await.unwrap();
    assert_eq!(status(&world, &other), Status::Active);
    assert!(!world.broker_certificates(&broker()).contains_key(&mine));
}

#[tokio::test]
async fn an_acknowledgement_is_of_the_certificate_in_use() {
    let world = world().await;
    let first = ensure(&world).await.certificate.unwrap().id;
    let second = act(&world, Action::Rotate, "r1", None).await.unwrap().certificate.unwrap().id;
    act(&world, Action::Rotate, "r2", None).await.unwrap();
    let late = Work {
        cluster: id(MC01),
        action: Action::Acknowledge,
        request: id("a"),
        csr: None,
        certificate: Some(second.clone()),
        cause: id("c"),
    };
    assert!(function(&world).work(late).await.is_err());
    assert_eq!([status(&world, &first), status(&world, &second)], [Status::Active; 2]);
}

#[tokio::test]
async fn a_cluster_that_has_ended_is_left_alone_with_its_account() {
    let world = world().await;
    ensure(&world).await;
    act(&world, Action::Delete, "d", None).await.unwrap();
    world.pass(ORPHAN_AFTER);
    function(&world).sweep().await.unwrap();
    world.close_account(&home(), true);
    world.close_account(&broker(), true);
    function(&world).sweep().await.unwrap();
}

#[tokio::test]
async fn where_the_caller_keeps_the_key_none_is_ever_made() {
    let csr = || Some(common::keys::mint(THING).unwrap().request.pem);
    // It breaks before its end, and only upkeep comes.
    let world = world().await;
    world.fail("Secrets.PutSecretValue", SECRET, "timeout", true, 1);
    assert!(act(&world, Action::Ensure, "e", csr()).await.is_err());
    world.pass(SignedDuration::from_hours(2));
    function(&world).sweep().await.unwrap();
    assert!(world.broker_certificates(&broker()).is_empty(), "what never came into use is removed");
    assert!(!world.secret_in_use(&home(), SECRET).unwrap_or_default().contains("privateKey"));
    // It is revoked, and a run asks without a request.
    act(&world, Action::Ensure, "e", csr()).await.unwrap();
    act(&world, Action::Revoke, "v", None).await.unwrap();
    assert!(refused(&world, Action::Ensure).await.contains("the agent keeps its key itself"));
    assert_eq!(act(&world, Action::Ensure, "e2", csr()).await.unwrap().outcome, Outcome::Issued);
}

#[tokio::test]
async fn a_certificate_that_is_detached_and_not_yet_deleted_is_not_forgotten() {
    let world = world().await;
    let first = ensure(&world).await.certificate.unwrap().id;
    act(&world, Action::Revoke, "v", None).await.unwrap();
    ensure(&world).await;
    world.fail("Iot.DeleteCertificate", first.as_str(), "DeleteConflictException", true, 1);
    assert!(act(&world, Action::Delete, "d", None).await.is_err());
    assert_eq!(act(&world, Action::Delete, "d", None).await.unwrap().outcome, Outcome::Deleted);
    assert!(world.broker_certificates(&broker()).is_empty());
}

#[tokio::test]
async fn a_certificate_ends_by_our_own_rule_and_status_says_how_it_stands() {
    let world = world().await;
    ensure(&world).await;
    let ends = world.certificate(&id(MC01)).await.unwrap().unwrap().current.unwrap().ends;
    assert_eq!(ends.duration_since(world.now()), SignedDuration::from_hours((90 + 7 + 30) * 24));
    let said = async || act(&world, Action::Status, "s", None).await.unwrap().reasons.join("; ");
    let first = in_use(&world).unwrap();
    let mut all = vec![said().await];
    world.set_certificate_status(&broker(), &first, Status::Inactive);
    all.push(said().await);
    world.put_thing(&broker(), THING, None);
    all.push(said().await);
    insta::assert_snapshot!(all.join("\n"), @"
    everything stands as it should
    ensure would do this: Issue, AttachPolicy(New), AttachThing(New), Store, Activate(New), Promote(New)
    ensure would be refused: the thing mc01-maestro-agent belongs to no cluster (penstock-cluster on it would hand it over), not to this cluster: give one of them another cluster_id, or delete the other's
    ");
}

#[tokio::test]
async fn a_name_that_was_left_on_the_one_before_brings_it_not_back() {
    let world = world().await;
    ensure(&world).await;
    let second = act(&world, Action::Rotate, "r", None).await.unwrap().certificate.unwrap().id;
    world.leave_pending_behind(&home(), SECRET);
    function(&world).sweep().await.unwrap();
    assert_eq!(in_use(&world), Some(second));
}
