"""What every part of the demo works with: the stack, the forge, a clone, and the questions that are asked again and again."""

import bus
import pipelines
from forge import Clone, Forge
from processes import wait_until

# A cold function, five API calls and the queues between them take about 2 s; a loaded machine takes much longer.
PATIENCE = 120


class Scene:
    """The stage of the demo."""

    def __init__(self, stack):
        self.stack = stack
        self.aws = stack.aws
        self.forge = Forge(stack.endpoints["forge_url"])
        self.clone = Clone(stack.endpoints["forge_git_url"])

    def pipelines(self):
        """Every pipeline by name."""
        return pipelines.listed(self.aws)

    def versions(self):
        """The version of every pipeline."""
        return {name: pipeline["version"] for name, pipeline in self.pipelines().items()}

    def writes(self):
        """Every call so far that changed something in CodePipeline."""
        return pipelines.writes(self.stack.moto_log)

    def finished(self, commit, mode="reconcile"):
        """Waits for the end of the run over a commit, and gives back its Provisioning Finished."""
        ask = lambda: bus.of_kind(self.aws, "Provisioning Finished", run__head=commit, run__mode__kind=mode)
        return wait_until(f"no Provisioning Finished ({mode}) for commit {commit[:8]}", ask, PATIENCE)[-1]

    def status(self, commit, state):
        """Waits until the commit's status has a state, and gives it back."""
        def ask():
            status = self.forge.status(commit)
            return status if status and status["state"] == state else None

        return wait_until(f"the status of commit {commit[:8]} is not {state}", ask, PATIENCE)

    def check_run(self, commit, name):
        """Waits for a completed check run, and gives it back."""
        ask = lambda: self.forge.check_run(commit, name)
        return wait_until(f"no check run {name!r} on commit {commit[:8]}", ask, PATIENCE)

    def delivered(self, commit, event="push"):
        """Waits until the webhook about a commit was answered, and gives back that delivery."""
        def ask():
            for delivery in reversed(self.forge.deliveries()):
                if delivery["event"] == event and commit in delivery["request"]["body"] and delivery["status_code"]:
                    return delivery
            return None

        return wait_until(f"no {event} webhook about commit {commit[:8]} was answered", ask, PATIENCE)

    def push(self, files, message, branch):
        """Writes files, commits and pushes them; gives back the commit."""
        self.clone.write(files)
        commit = self.clone.commit(message)
        self.clone.push(branch)
        return commit
