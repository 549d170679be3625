//! Gates that invoke the function: the same decision, by jobs.

use common::{domain::id::JobId, ports::JobEnd};

use super::*;

impl Rig {
    /// The gate of a cluster invokes the function for a run of ada's commit.
    async fn invoke(&self, cluster: &str, number: u8) -> JobId {
        self.world.set_authors(&commit('a'), &[1001], 0);
        let job = self.world.invoke_gate(&pipeline(cluster), &execution(number), &commit('a'));
        self.gates.job(&job).await.unwrap();
        job
    }

    /// How a job ended: the word of the API, and what people read.
    fn ended(&self, job: &JobId) -> Option<(&'static str, String)> {
        let ended = self.world.ended_jobs().into_iter().find(|(id, _)| id == job)?;
        Some(match ended.1 {
            JobEnd::Succeeded(text) => ("succeeded", text),
            JobEnd::Failed(text) => ("failed", text),
            JobEnd::InProgress(text) => ("in progress", text),
        })
    }

    fn word(&self, job: &JobId) -> &'static str {
        self.ended(job).expect("the job has an answer").0
    }
}

#[tokio::test]
async fn a_gate_that_asks_nobody_opens_with_its_first_job() {
    let rig = Rig::new().await;
    let job = rig.invoke("staging/us-east-1/regional", 1).await;
    let (word, said) = rig.ended(&job).unwrap();
    assert_eq!((word, said.as_str()), ("succeeded", "Penstock lets it go on: nothing is missing"));
    assert_eq!((rig.told(), rig.answers()), (vec!["Run Gate Approved"], vec![]));
}

#[tokio::test]
async fn a_run_is_kept_job_after_job_and_goes_on_with_the_one_behind_its_approval() {
    let rig = Rig::new().await;
    let first = rig.invoke(MC01, 1).await;
    let (word, said) = rig.ended(&first).unwrap();
    assert_eq!(word, "in progress");
    assert_eq!(said, "Penstock keeps it: 0 of 1 approvals of approvers; ada wrote what it deploys, and does not count");
    assert_eq!(rig.told(), ["Run Gate Waiting"]);
    let second = rig.invoke(MC01, 1).await;
    rig.sweep().await;
    assert_eq!((rig.word(&second), rig.told()), ("in progress", vec![]), "the same is told once");
    assert_eq!(
        rig.explain().await["runs"][0]["execution"],
        json!(execution(1)),
        "whoever asks sees it between two jobs"
    );

    let (status, decided) = rig.answer(APPROVER, &execution(1), "approve").await;
    assert_eq!((status, &decided["verdict"]), (200, &json!("admit")), "{decided}");
    assert_eq!(rig.told(), Vec::<&str>::new(), "that it goes on is said when it does");
    rig.sweep().await;
    let third = rig.invoke(MC01, 1).await;
    assert_eq!(rig.ended(&third).unwrap(), ("succeeded", "Penstock lets it go on: approved by bob".to_owned()));
    assert_eq!(rig.told(), ["Run Gate Approved"]);
    rig.sweep().await;
    assert_eq!(rig.told(), Vec::<&str>::new(), "it left its gate as was said");
    assert_eq!(rig.actions(&format!("cluster:{MC01}")).await, ["run.wait", "run.answer", "run.approve"]);
}

#[tokio::test]
async fn a_hold_that_is_placed_between_two_jobs_keeps_the_run_and_lifted_lets_it_go() {
    let rig = Rig::new().await;
    rig.invoke(MC01, 1).await;
    rig.answer(APPROVER, &execution(1), "approve").await;
    let until = rig.world.now() + jiff::SignedDuration::from_hours(1);
    let hold =
        json!({"id": "h", "scope": "environment:production", "reason": "the network is being moved", "until": until});
    assert_eq!(rig.ask(MEMBER, "POST", "/v1/holds", &hold).await.0, 201);
    let held = rig.invoke(MC01, 1).await;
    let (word, said) = rig.ended(&held).unwrap();
    assert!(word == "in progress" && said.contains("the network is being moved"), "{word}: {said}");
    assert_eq!(rig.ask(MEMBER, "DELETE", "/v1/holds/h", &Value::Null).await.0, 200);
    let job = rig.invoke(MC01, 1).await;
    assert_eq!(rig.word(&job), "succeeded");
}

#[tokio::test]
async fn a_rejection_ends_the_action() {
    let rig = Rig::new().await;
    rig.invoke(MC01, 1).await;
    rig.answer(APPROVER, &execution(1), "reject").await;
    let job = rig.invoke(MC01, 1).await;
    let (word, said) = rig.ended(&job).unwrap();
    assert!(word == "failed" && said.contains("bob rejected it"), "{word}: {said}");
}

#[tokio::test]
async fn runs_side_by_side_are_answered_each_by_its_own_job() {
    let rig = Rig::new().await;
    rig.invoke(MC01, 1).await;
    rig.invoke(MC01, 2).await;
    assert_eq!(rig.answer(APPROVER, &execution(2), "approve").await.0, 200);
    let (one, two) = (rig.invoke(MC01, 1).await, rig.invoke(MC01, 2).await);
    assert_eq!((rig.word(&one), rig.word(&two)), ("in progress", "succeeded"));
}

#[tokio::test]
async fn a_foreign_job_fails_and_uses_no_approval() {
    let rig = Rig::new().await;
    rig.invoke(MC01, 1).await;
    rig.answer(APPROVER, &execution(1), "approve").await;
    rig.told();
    let ours = pipeline(MC01).to_string();
    for (pipeline, stage, action) in
        [("somebody-elses", "Deploy", "Gate"), (&ours, "Deploy", "Other"), (&ours, "Bootstrap", "Gate")]
    {
        let job = rig.world.invoke(pipeline, &execution(1), (stage, action), None);
        rig.gates.job(&job).await.unwrap();
        let (word, said) = rig.ended(&job).unwrap();
        assert!(word == "failed" && said.contains("Penstock has no gate"), "{word}: {said}");
    }
    assert_eq!(rig.told(), Vec::<&str>::new(), "nothing was decided");
    let job = rig.invoke(MC01, 1).await;
    assert_eq!(rig.word(&job), "succeeded", "the approval is still there for the run that it is of");
}

#[tokio::test]
async fn a_job_that_is_over_is_done_and_not_tried_again() {
    let rig = Rig::new().await;
    let unknown: JobId = id("00000000-0000-4000-8000-00000000ffff");
    rig.gates.job(&unknown).await.unwrap();
    assert_eq!(rig.ended(&unknown), None);

    rig.invoke(MC01, 1).await;
    rig.told();
    rig.answer(APPROVER, &execution(1), "approve").await;
    let late = rig.world.invoke_gate(&pipeline(MC01), &execution(1), &commit('a'));
    rig.world.stop_run(&pipeline(MC01), &execution(1));
    rig.gates.job(&late).await.unwrap();
    assert_eq!((rig.ended(&late), rig.told()), (None, vec![]), "of a run that was stopped nothing is decided");

    let twice = rig.invoke("staging/us-east-1/regional", 2).await;
    rig.gates.job(&twice).await.unwrap();
    assert_eq!(rig.told(), ["Run Gate Approved"], "Lambda may bring a job twice");
}

#[tokio::test]
async fn what_cannot_be_decided_is_in_progress_and_what_cannot_be_answered_comes_again() {
    let rig = Rig::new().await;
    for broken in ["CodePipeline.GetPipelineState", "ClusterLedger.records", "Forge.authors", "RunRows.holds"] {
        rig.world.fail(broken, "", "InternalFailure", true, 1);
        let job = rig.invoke(MC01, 1).await;
        assert_eq!(rig.word(&job), "in progress", "{broken}");
        rig.world.heal();
    }
    // The second attempt at an answer says "in progress" in any case.
    for (broken, times) in [("CodePipeline.GetJobDetails", 1), ("CodePipeline.PutJobSuccessResult", 2)] {
        let job = rig.world.invoke_gate(&pipeline(MC01), &execution(1), &commit('a'));
        rig.world.fail(broken, "", "InternalFailure", true, times);
        assert!(rig.gates.job(&job).await.unwrap_err().is_retry(), "{broken}: Lambda brings it again");
        rig.world.heal();
        rig.gates.job(&job).await.unwrap();
        assert_eq!(rig.word(&job), "in progress", "{broken}");
    }
}
