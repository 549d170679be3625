"""The deploy tree of the demo: 2 environments, 3 region aliases, 3 regional and 4 management clusters, and one file with mistakes."""

PLACES = {
    ("integration", "us-east-1"): ("us-east-1", "111111111111", {"mc01": "211111111111", "mc02": "211111111112"}),
    ("integration", "eu-west-1"): ("eu-west-1", "111111111112", {"mc01": "211111111113"}),
    ("production", "ap-southeast-2"): ("ap-southeast-2", "111111111113", {"mc01": "211111111114"}),
}

INVALID = "deploy/integration/eu-west-1/terraform/management/mc02.yaml"
CHANGED = "deploy/integration/us-east-1/terraform/management/mc01.yaml"
CHANGED_CLUSTER = "integration/us-east-1/management/mc01"
CHANGED_PIPELINE = "mc-integration-us-east-1-mc01-"
GATED = "deploy/production/ap-southeast-2/terraform/management/mc01.yaml"
PUSHED_BY_HAND = "deploy/production/ap-southeast-2/terraform/regional.yaml"
UNCHANGING = "deploy/integration/us-east-1/argocd/regional-cluster-values.yaml"


def files():
    """Every file by its path."""
    tree = {INVALID: invalid(), UNCHANGING: "replicas: 2\n"}
    for (environment, alias), (region, account, management) in PLACES.items():
        folder = f"deploy/{environment}/{alias}/terraform"
        tree[f"{folder}/regional.yaml"] = regional(environment, alias, region, account)
        for cluster, cluster_account in management.items():
            tree[f"{folder}/management/{cluster}.yaml"] = management_cluster(environment, alias, region, cluster, cluster_account, account)
    return tree


def regional(environment, alias, region, account, cost_center="000"):
    """A regional cluster's file."""
    return (
        f'account_id: "{account}"\nregion: {region}\nalias: regional-{alias}\nregion_alias: {alias}\nenvironment: {environment}\n'
        f'terraform_vars:\n  app_code: infra\n  service_phase: dev\n  cost_center: "{cost_center}"\n'
    )


def management_cluster(environment, alias, region, cluster, account, regional_account, cost_center="000"):
    """A management cluster's file."""
    name = f"{cluster}-{alias}"
    return (
        f'account_id: "{account}"\nregion: {region}\nalias: {name}\nregion_alias: {alias}\nenvironment: {environment}\n'
        f'terraform_vars:\n  cluster_id: {name}\n  regional_aws_account_id: "{regional_account}"\n'
        f'  app_code: infra\n  service_phase: dev\n  cost_center: "{cost_center}"\n'
    )


def changed():
    """The file that the demo changes, with another cost center."""
    return management_cluster("integration", "us-east-1", "us-east-1", "mc01", "211111111111", "111111111111", cost_center="042")


def gated():
    """The file of production's management cluster, with another cost center."""
    return management_cluster("production", "ap-southeast-2", "ap-southeast-2", "mc01", "211111111114", "111111111113", cost_center="043")


def invalid():
    """An account id without quotes (YAML reads an octal number), and a key that nobody knows."""
    good = management_cluster("integration", "eu-west-1", "eu-west-1", "mc02", "011111111115", "111111111112")
    return good.replace('account_id: "011111111115"', "account_id: 011111111115", 1) + "enable_baston: true\n"


def clusters():
    """How many pipelines the tree asks for."""
    return sum(1 + len(management) for _, _, management in PLACES.values())
