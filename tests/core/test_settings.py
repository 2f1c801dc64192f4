"""Configuration: everything wrong with it is named at once, with an example, and without its secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from core.settings import CLIENT_ONLY, Environment, Settings, SettingsError, load

PASSWORD = "hunter2-of-the-database"
COMPLETE = {
    "DATABASE_URL": f"postgresql://nb:{PASSWORD}@db.example.com:5432/nb",
    "REDIS_URL": "redis://:redis-password@redis.example.com:6379/0",
    "TELEGRAM_BOT_TOKEN": "123456:AAE-secret-of-the-bot",
    "TG_WEBHOOK_SECRET": "secret-of-the-webhook",
    "PUBLIC_BASE_URL": "https://bot.example.com",
}
REQUIRED = tuple(COMPLETE)


def problems(**changes: str | None) -> list[str]:
    """What `load` says of an environment that is complete but for these changes. None takes a variable away."""
    environment = {name: value for name, value in (COMPLETE | changes).items() if value is not None}
    with pytest.raises(SettingsError) as refusal:
        load(environment)
    return refusal.value.problems


class TestComplete:
    """An environment that describes a service."""

    def test_five_variables_are_enough(self) -> None:
        settings = load(COMPLETE)
        assert settings.environment is Environment.LOCAL
        assert (settings.public_base_url, settings.port, settings.telegram_updates) == (
            "https://bot.example.com",
            8000,
            "webhook",
        )
        assert settings.demo_provider is False
        assert settings.gemini_api_key is None

    def test_the_environment_of_the_process_is_read_when_nothing_is_given(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in COMPLETE.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PORT", "9001")
        assert load().port == 9001

    def test_an_empty_variable_counts_as_not_set(self) -> None:
        assert load(COMPLETE | {"PORT": "", "GEMINI_API_KEY": ""}).port == 8000
        assert problems(DATABASE_URL="")[0].startswith("DATABASE_URL is missing.")

    def test_variables_of_others_are_no_concern_of_ours(self) -> None:
        load(COMPLETE | {"PATH": "/bin", "RAILWAY_PROJECT_ID": "x", "nb_lower": "x"})

    @pytest.mark.parametrize("name", sorted(CLIENT_ONLY))
    def test_variables_of_the_command_line_are_not_unknown(self, name: str) -> None:
        load(COMPLETE | {name: "something"})

    @pytest.mark.parametrize(
        ("given", "kept"), [("https://x.example/", "https://x.example"), ("http://h:1", "http://h:1")]
    )
    def test_base_addresses_lose_their_last_slash(self, given: str, kept: str) -> None:
        assert load(COMPLETE | {"PUBLIC_BASE_URL": given}).public_base_url == kept

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("http://127.0.0.1:8401", "http://127.0.0.1:8401/v1"),
            ("https://api.openai.com/", "https://api.openai.com/v1"),
            ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
            ("https://gateway.example/openai", "https://gateway.example/openai"),
        ],
    )
    def test_a_bare_address_of_openai_gets_the_version(self, given: str, kept: str) -> None:
        assert load(COMPLETE | {"OPENAI_BASE_URL": given}).openai_base_url == kept

    def test_media_lie_under_the_home_unless_told_otherwise(self) -> None:
        assert load(COMPLETE | {"NB_HOME": "/srv/nb"}).media_path == Path("/srv/nb/media")
        assert load(COMPLETE | {"STORAGE_PATH": "/media"}).media_path == Path("/media")

    def test_the_commit_of_the_platform_is_used_when_ours_is_not_set(self) -> None:
        assert load(COMPLETE | {"RAILWAY_GIT_COMMIT_SHA": "abc"}).commit == "abc"
        assert load(COMPLETE | {"RAILWAY_GIT_COMMIT_SHA": "abc", "NB_COMMIT": "def"}).commit == "def"
        assert load(COMPLETE).commit == "unknown"

    @pytest.mark.parametrize(
        "url", ["postgres://u:p@h/d", "postgresql://u:p@h:6543/d?pgbouncer=true", "postgresql:///d?host=/tmp"]
    )
    def test_addresses_of_postgresql_as_platforms_write_them_are_taken(self, url: str) -> None:
        assert load(COMPLETE | {"DATABASE_URL": url}).database_url.get_secret_value() == url

    @pytest.mark.parametrize("url", ["redis://h", "rediss://:p@h:6380/1", "unix:///tmp/redis.sock"])
    def test_addresses_of_redis_as_platforms_write_them_are_taken(self, url: str) -> None:
        assert load(COMPLETE | {"REDIS_URL": url}).redis_url.get_secret_value() == url

    def test_settings_do_not_change_while_the_process_runs(self) -> None:
        with pytest.raises(ValidationError):
            load(COMPLETE).port = 1


class TestWrong:
    """An environment that does not."""

    @pytest.mark.parametrize("name", REQUIRED)
    def test_what_is_missing_is_named_with_an_example(self, name: str) -> None:
        (problem,) = problems(**{name: None})
        assert problem.startswith(f"{name} is missing. Example: {name}=")

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("PORT", "eighty", "valid integer"),
            ("PORT", "0", "greater than or equal to 1"),
            ("PORT", "70000", "less than or equal to 65535"),
            ("DATABASE_URL", "mysql://u:p@h/d", "postgresql://"),
            ("DATABASE_URL", "localhost:5432", "postgresql://"),
            ("REDIS_URL", "localhost:6379", "redis://"),
            ("REDIS_URL", "http://redis", "redis://"),
            ("TELEGRAM_BOT_TOKEN", "AAE-without-its-number", "123456:AAE"),
            ("TELEGRAM_BOT_TOKEN", "123456:", "123456:AAE"),
            ("TELEGRAM_BOT_TOKEN", "x:y", "123456:AAE"),
            ("TG_WEBHOOK_SECRET", "with spaces", "A-Z a-z 0-9 _ -"),
            ("TG_WEBHOOK_SECRET", "trailing-newline\n", "A-Z a-z 0-9 _ -"),
            ("TG_WEBHOOK_SECRET", "x" * 257, "A-Z a-z 0-9 _ -"),
            ("PUBLIC_BASE_URL", "bot.example.com", "https://"),
            ("PUBLIC_BASE_URL", "ftp://bot.example.com", "https://"),
            ("TELEGRAM_API_BASE_URL", "nonsense", "https://"),
            ("GEMINI_BASE_URL", "nonsense", "https://"),
            ("NB_ENVIRONMENT", "prod", "'production'"),
            ("TELEGRAM_UPDATES", "push", "'polling'"),
            ("LOG_FORMAT", "xml", "'console'"),
            ("LOG_LEVEL", "TRACE", "'DEBUG'"),
            ("DEMO_PROVIDER", "maybe", "boolean"),
            ("DATABASE_POOL_SIZE", "1", "greater than or equal to 2"),
            ("DATABASE_STATEMENT_CACHE", "-1", "greater than or equal to 0"),
            ("WEB_WORKERS", "0", "greater than or equal to 1"),
            ("CELERY_WORKER_CONCURRENCY", "many", "valid integer"),
        ],
    )
    def test_what_is_malformed_is_named_with_what_is_wanted(self, name: str, value: str, says: str) -> None:
        (problem,) = problems(**{name: value})
        assert problem.startswith(f"{name}: ")
        assert says in problem
        assert "\n" not in problem

    @pytest.mark.parametrize(
        ("name", "near"),
        [
            ("NB_ENVIROMENT", "NB_ENVIRONMENT"),
            ("NB_COMIT", "NB_COMMIT"),
        ],
    )
    def test_what_is_unknown_is_named_beside_the_nearest(self, name: str, near: str) -> None:
        assert problems(**{name: "x"}) == [f"{name} is not a setting; did you mean {near}?"]

    def test_what_is_like_nothing_is_to_be_removed(self) -> None:
        assert problems(NB_XYZZY="x") == ["NB_XYZZY is not a setting; remove it"]

    def test_everything_is_named_at_once(self) -> None:
        found = problems(DATABASE_URL=None, REDIS_URL=None, PORT="eighty", NB_XYZZY="x")
        assert [problem.split()[0].rstrip(":") for problem in found] == [
            "NB_XYZZY",
            "DATABASE_URL",
            "REDIS_URL",
            "PORT",
        ]

    def test_the_error_reads_as_a_list(self) -> None:
        with pytest.raises(SettingsError) as refusal:
            load({})
        lines = str(refusal.value).splitlines()
        assert lines[0] == "Configuration is not usable:"
        assert len(lines) == 1 + len(REQUIRED)
        assert all(line.startswith("  - ") for line in lines[1:])


class TestProduction:
    """Where people pay."""

    def test_an_ordinary_one_starts(self) -> None:
        assert load(COMPLETE | {"NB_ENVIRONMENT": "production"}).environment is Environment.PRODUCTION

    def test_demonstrations_are_refused(self) -> None:
        (problem,) = problems(NB_ENVIRONMENT="production", DEMO_PROVIDER="1")
        assert problem.startswith("DEMO_PROVIDER must be off in production")

    def test_an_address_without_tls_is_refused(self) -> None:
        (problem,) = problems(NB_ENVIRONMENT="production", PUBLIC_BASE_URL="http://bot.example.com")
        assert problem.startswith("PUBLIC_BASE_URL must start with https://")

    def test_both_are_named_at_once(self) -> None:
        found = problems(NB_ENVIRONMENT="production", PUBLIC_BASE_URL="http://x.example", DEMO_PROVIDER="yes")
        assert len(found) == 2

    @pytest.mark.parametrize("environment", ["local", "staging"])
    def test_elsewhere_both_are_fine(self, environment: str) -> None:
        load(COMPLETE | {"NB_ENVIRONMENT": environment, "DEMO_PROVIDER": "1", "PUBLIC_BASE_URL": "http://x.example"})


class TestSecrets:
    """What must not be seen."""

    SECRETS = (
        "hunter2-of-the-database",
        "redis-password",
        "AAE-secret-of-the-bot",
        "secret-of-the-webhook",
        "AIza-key",
    )

    @pytest.fixture
    def settings(self) -> Settings:
        return load(COMPLETE | {"GEMINI_API_KEY": "AIza-key"})

    @pytest.mark.parametrize(
        "shown", [repr, str, lambda settings: settings.model_dump_json(), lambda s: f"{s.__dict__}"]
    )
    def test_none_shows_when_settings_are_printed(self, settings: Settings, shown: Any) -> None:
        assert not [secret for secret in self.SECRETS if secret in shown(settings)]

    def test_all_are_handed_to_the_logs_to_be_redacted(self, settings: Settings) -> None:
        values = settings.secret_values()
        assert {
            PASSWORD,
            "redis-password",
            "123456:AAE-secret-of-the-bot",
            "secret-of-the-webhook",
            "AIza-key",
            COMPLETE["DATABASE_URL"],
            COMPLETE["REDIS_URL"],
        } <= set(values)

    def test_a_password_is_known_as_it_is_written_and_as_it_is_meant(self) -> None:
        url = "postgresql://nb:p%40ss%2Fword@h/d"
        values = load(COMPLETE | {"DATABASE_URL": url}).secret_values()
        assert {"p%40ss%2Fword", "p@ss/word"} <= set(values)

    def test_a_password_with_an_at_sign_is_known_whole(self) -> None:
        assert "p@ssword" in load(COMPLETE | {"DATABASE_URL": "postgresql://nb:p@ssword@h/d"}).secret_values()

    def test_words_too_short_to_be_secrets_are_not_redacted_everywhere(self) -> None:
        values = load(COMPLETE | {"DATABASE_URL": "postgresql://nb:nb@h/d"}).secret_values()
        assert "nb" not in values

    def test_addresses_without_a_password_add_none(self) -> None:
        changes = {"DATABASE_URL": "postgresql://h/d", "REDIS_URL": "redis://h:6379/0"}
        assert "" not in load(COMPLETE | changes).secret_values()

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("TELEGRAM_BOT_TOKEN", "AAE-secret-but-malformed"),
            ("TG_WEBHOOK_SECRET", "secret but malformed"),
            ("DATABASE_URL", "mysql://u:secret-but-malformed@h/d"),
            ("REDIS_URL", "http://:secret-but-malformed@h"),
        ],
    )
    def test_a_malformed_one_is_not_repeated_in_the_error(self, name: str, value: str) -> None:
        with pytest.raises(SettingsError) as refusal:
            load(COMPLETE | {name: value})
        assert value not in str(refusal.value)
        assert "malformed" not in str(refusal.value)
        assert refusal.value.__cause__ is None
        assert refusal.value.__suppress_context__

    def test_every_secret_field_is_typed_as_one(self) -> None:
        for name, field in Settings.model_fields.items():
            words = ("token", "secret", "key", "password", "database_url", "redis_url")
            if any(word in name for word in words) and "public_key" not in name:
                assert field.annotation in {SecretStr, SecretStr | None}, name


def test_every_setting_has_a_variable_of_its_own() -> None:
    aliases = [field.alias for field in Settings.model_fields.values()]
    assert None not in aliases
    assert len(set(aliases)) == len(aliases)


def test_required_settings_have_an_example_that_is_valid() -> None:
    examples = {}
    for field in Settings.model_fields.values():
        if field.is_required():
            assert field.examples, field.alias
            examples[str(field.alias)] = str(field.examples[0])
    load(examples)


SUPABASE = {"SUPABASE_URL": "https://abcdef.supabase.co/", "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_abcdef"}


def test_supabase_keeps_media_when_its_address_and_key_are_set() -> None:
    settings = load(COMPLETE | SUPABASE)
    assert settings.supabase_url == "https://abcdef.supabase.co"
    assert (settings.supabase_bucket, settings.supabase_video_bucket) == ("bot-images", None)
    assert "sb_secret_abcdef" in settings.secret_values()
    assert "sb_secret_abcdef" not in repr(settings)


def test_supabase_without_its_key_stops_the_start() -> None:
    assert problems(SUPABASE_URL="https://abcdef.supabase.co") == ["SUPABASE_URL needs SUPABASE_SERVICE_ROLE_KEY"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUPABASE_BUCKET", "a/b"),
        ("SUPABASE_VIDEO_BUCKET", "видео"),
        ("SUPABASE_URL", "abcdef.supabase.co"),
        ("SUPABASE_SERVICE_ROLE_KEY", "sb_secret with a space"),
        ("RESULTS_KEPT_DAYS", "-1"),
    ],
)
def test_what_supabase_and_retention_would_refuse_stops_the_start(name: str, value: str) -> None:
    [problem] = problems(**{**SUPABASE, name: value})
    assert problem.startswith(name)
