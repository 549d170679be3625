"""What both Terraform checks need: the binary, the provider on this machine, a copy of the tree to work in."""

import os
import pathlib
import shutil
import subprocess
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def find_terraform():
    """The terraform binary, or nothing."""
    return shutil.which(os.environ.get("TERRAFORM", "terraform"))


def find_mirror():
    """A filesystem mirror that holds the AWS provider: TF_PLUGIN_MIRROR, or one near the file system's root. None where there is none."""
    named = os.environ.get("TF_PLUGIN_MIRROR")
    candidates = [pathlib.Path(named)] if named else []
    if not named:
        for start in ("/opt", "/usr/local/share", "/usr/share", str(pathlib.Path.home())):
            for pattern in ("registry.terraform.io", "*/registry.terraform.io", "*/*/registry.terraform.io", ".terraform.d/plugins/registry.terraform.io"):
                try:
                    candidates += [found.parent for found in pathlib.Path(start).glob(pattern)]
                except OSError:
                    continue
    for candidate in candidates:
        if (candidate / "registry.terraform.io/hashicorp/aws").is_dir():
            return candidate
    return None


class Workspace:
    """A private copy of terraform/ and events/ with a private CLI configuration. Nothing is written beside the sources."""

    def __init__(self, mirror, label):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"penstock-terraform-{label}-"))
        skip = shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "*.tfstate*")
        for part in ("terraform", "events", "docs"):
            if (REPOSITORY / part).is_dir():
                shutil.copytree(REPOSITORY / part, self.folder / part, ignore=skip)
        configuration = self.folder / "terraformrc"
        source = f'filesystem_mirror {{ path = "{mirror}" }}' if mirror else "direct {}"
        configuration.write_text(f"disable_checkpoint = true\nprovider_installation {{\n  {source}\n}}\n")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
        self.env.update(TF_CLI_CONFIG_FILE=str(configuration), TF_IN_AUTOMATION="1", TF_INPUT="0", CHECKPOINT_DISABLE="1")

    def run(self, command, folder, **env):
        """Runs a command; answers (exit code, everything it wrote)."""
        done = subprocess.run(command, cwd=self.folder / folder, env={**self.env, **env},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
