//! The provisioner as an action of a pipeline: what a job wants, and how it is answered.

use common::{
    domain::id::{CommitSha, ExecutionId, JobId},
    ports::JobEnd,
    testing::{ClusterFile, id},
};
use tests::journey::{INVOKER, Journey};

use super::fleet;

const ACTION: (&str, &str) = ("Provision", "Provision");

/// A pipeline invokes the provisioner, and gets its answer.
async fn invoke(journey: &Journey, pipeline: &str, parameters: Option<&str>) -> (JobId, Option<JobEnd>) {
    let execution: ExecutionId = id("00000000-0000-4000-8000-000000000001");
    let job = journey.world.invoke(pipeline, &execution, ACTION, parameters);
    journey.provisioner.job(&job, journey.deadline()).await.unwrap();
    let end = end_of(journey, &job);
    (job, end)
}

fn end_of(journey: &Journey, job: &JobId) -> Option<JobEnd> {
    journey.world.ended_jobs().into_iter().find(|(ended, _)| ended == job).map(|(_, end)| end)
}

/// Writes files to the branch, and nobody hears of it.
fn commit(journey: &Journey, files: &[ClusterFile]) -> CommitSha {
    let texts: Vec<(String, String)> = files.iter().map(|file| (file.path.clone(), file.text())).collect();
    let changes: Vec<(&str, Option<&str>)> =
        texts.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    journey.world.push("main", &changes);
    journey.world.head("main").unwrap()
}

fn parameters(commit: &CommitSha) -> String {
    format!(r#"{{"repository": "acme/clusters", "branch": "main", "commit": "{commit}"}}"#)
}

#[tokio::test]
async fn a_job_provisions_the_branch_and_says_what_became_of_it() {
    let journey = Journey::default();
    let head = commit(&journey, &fleet());
    let (_, end) = invoke(&journey, INVOKER, Some(&parameters(&head))).await;
    assert_eq!(journey.world.pipelines().len(), 7);
    let Some(JobEnd::Succeeded(said)) = end else { panic!("{end:?}") };
    assert!(said.contains("7 created"), "{said}");
    journey.world.heal();
    let (_, end) = invoke(&journey, INVOKER, Some(&parameters(&head))).await;
    assert!(matches!(&end, Some(JobEnd::Succeeded(said)) if said.contains("7 unchanged")), "{end:?}");
    assert_eq!(journey.world.pipeline_writes().len(), 1, "nothing but the answer is written");
}

#[tokio::test]
async fn a_bad_file_fails_the_job_with_its_place_and_its_neighbours_are_provisioned() {
    let journey = Journey::default();
    let bad = ClusterFile::management("integration", "us-east-1", "mc01").set("account_id", "12");
    let mut files = fleet();
    files.retain(|file| file.path != bad.path);
    files.push(bad);
    let head = commit(&journey, &files);
    let (_, end) = invoke(&journey, INVOKER, Some(&parameters(&head))).await;
    let Some(JobEnd::Failed(said)) = end else { panic!("{end:?}") };
    assert!(said.contains("deploy/integration/us-east-1/terraform/management/mc01.yaml:"), "{said}");
    assert_eq!(journey.world.pipelines().len(), 6);
}

#[tokio::test]
async fn a_late_job_provisions_the_head_and_says_so() {
    let journey = Journey::default();
    let old = commit(&journey, &fleet()[..1]);
    commit(&journey, &fleet());
    let (_, end) = invoke(&journey, INVOKER, Some(&parameters(&old))).await;
    let Some(JobEnd::Succeeded(said)) = end else { panic!("{end:?}") };
    assert!(said.contains(&format!("{} is no longer the head of main", old.short())), "{said}");
    assert_eq!(journey.world.pipelines().len(), 7);
}

#[tokio::test]
async fn a_foreign_job_or_one_that_asks_for_what_is_not_ours_fails_and_nothing_is_provisioned() {
    let journey = Journey::default();
    let head = commit(&journey, &fleet());
    let good = parameters(&head);
    let cases = [
        ("somebody-elses", Some(good.clone()), "may not invoke the provisioner"),
        (INVOKER, None, "UserParameters is missing"),
        (INVOKER, Some("{}".to_owned()), "missing field"),
        (INVOKER, Some(good.replace("\"branch\"", "\"brunch\"")), "unknown field"),
        (INVOKER, Some(good.replace("main", "../main")), "git branch name"),
        (INVOKER, Some(good.replace(head.as_str(), "#{SourceVariables.CommitId}")), "40"),
        (INVOKER, Some(good.replace("acme/clusters", "acme/other")), "is not in repositories.yaml"),
        (INVOKER, Some(good.replace("main", "feature")), "no environment follows this branch"),
    ];
    for (pipeline, parameters, why) in cases {
        let (_, end) = invoke(&journey, pipeline, parameters.as_deref()).await;
        assert!(matches!(&end, Some(JobEnd::Failed(said)) if said.contains(why)), "{why}: {end:?}");
    }
    assert!(journey.world.pipelines().is_empty());
}

#[tokio::test]
async fn what_may_pass_is_in_progress_and_the_next_job_brings_it_to_its_end() {
    let journey = Journey::default();
    let head = commit(&journey, &fleet());
    journey.world.fail("CodePipeline.ListPipelines", "", "ThrottlingException", true, 1);
    let (_, end) = invoke(&journey, INVOKER, Some(&parameters(&head))).await;
    assert!(matches!(end, Some(JobEnd::InProgress(_))), "{end:?}");
    let (_, end) = invoke(&journey, INVOKER, Some(&parameters(&head))).await;
    assert!(matches!(end, Some(JobEnd::Succeeded(_))), "{end:?}");

    let soon = journey.deadline() - jiff::SignedDuration::from_secs(880);
    commit(&journey, &[ClusterFile::management("integration", "us-east-1", "mc01").variable("cost_center", "\"123\"")]);
    let job =
        journey.world.invoke(INVOKER, &id("00000000-0000-4000-8000-000000000002"), ACTION, Some(&parameters(&head)));
    journey.provisioner.job(&job, soon).await.unwrap();
    assert!(matches!(end_of(&journey, &job), Some(JobEnd::InProgress(_))), "its time ran out");
}

#[tokio::test]
async fn a_call_that_fails_for_one_cluster_fails_the_job() {
    let journey = Journey::default();
    let head = commit(&journey, &fleet());
    journey.world.fail("CodePipeline.CreatePipeline", "rc-production", "LimitExceededException", false, 9);
    let (_, end) = invoke(&journey, INVOKER, Some(&parameters(&head))).await;
    assert!(matches!(&end, Some(JobEnd::Failed(said)) if said.contains("LimitExceededException")), "{end:?}");
    let failed = journey.world.pipelines().keys().any(|name| name.starts_with("rc-production"));
    assert_eq!((failed, journey.world.pipelines().len()), (false, 6), "the others are provisioned");
}
