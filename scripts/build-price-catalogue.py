#!/usr/bin/env python3
"""Builds shared/src/catalog/prices.tsv, the price catalogue that ships inside the binaries.

Source: the price map in the `litellm` wheel (MIT), fetched by pip at a pinned version and checked
against a pinned SHA-256. Prices become whole femto-USD (1e-15 USD) per unit by exact decimal
arithmetic; what does not fit is rounded half to even and listed in rounded.tsv.

    scripts/build-price-catalogue.py                    fetch the wheel, rebuild, show what changed
    scripts/build-price-catalogue.py --wheel FILE       the same from a wheel at hand
    scripts/build-price-catalogue.py --accept-changes   take a change that the gate refuses

The gate refuses fewer entries by more than 5 % and any price that moved by more than a factor of 3:
such a change wants a pair of eyes on the diff first.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

WHEEL_VERSION = "1.109.1"
WHEEL_SHA256 = "1c8b4dd671fa0cd0850aa751678704ff77e595fb1e6085b2dc3be39ee19bdaaf"
WHEEL_PLATFORM = "manylinux_2_28_x86_64"
MAP_IN_WHEEL = "litellm/model_prices_and_context_window_backup.json"

CATALOGUE_DIR = Path(__file__).resolve().parent.parent / "shared" / "src" / "catalog"
PRICES_FILE = CATALOGUE_DIR / "prices.tsv"
ROUNDED_FILE = CATALOGUE_DIR / "rounded.tsv"

FEMTO_PER_USD = Decimal(10) ** 15
MAX_FEMTO = 2**63 - 1

# Keys of the map that are no models.
RESERVED_KEYS = {"sample_spec", "fallback_generalizations"}

KEPT_MODES = {
    "chat", "completion", "responses", "embedding", "image_generation", "image_edit",
    "audio_transcription", "audio_speech", "realtime", "rerank", "moderation", "ocr",
}

# The map's provider names that are another spelling, or another wire format, of one of ours.
PROVIDER_ALIASES = {
    "azure_text": "azure",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "fireworks_ai-embedding-models": "fireworks_ai",
    "text-completion-codestral": "codestral",
    "text-completion-inception": "inception",
    "text-completion-openai": "openai",
}

# Field of the map without its tier and context suffixes -> kind of price in our file.
PRICE_KINDS = {
    "input_cost_per_token": "in",
    "output_cost_per_token": "out",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "output_cost_per_reasoning_token": "reasoning_out",
    "input_cost_per_audio_token": "audio_in",
    "output_cost_per_audio_token": "audio_out",
    "cache_read_input_audio_token_cost": "audio_cache_read",
    "cache_creation_input_audio_token_cost": "audio_cache_write",
    "input_cost_per_image_token": "image_token_in",
    "output_cost_per_image_token": "image_token_out",
    "cache_read_input_image_token_cost": "image_token_cache_read",
    "input_cost_per_image": "image_in",
    "output_cost_per_image": "image_out",
    "input_cost_per_pixel": "pixel_in",
    "output_cost_per_pixel": "pixel_out",
    "input_cost_per_second": "second_in",
    "output_cost_per_second": "second_out",
    "input_cost_per_audio_per_second": "audio_second_in",
    "input_cost_per_video_per_second": "video_second_in",
    "input_cost_per_character": "character_in",
    "output_cost_per_character": "character_out",
    "input_cost_per_query": "query",
    "input_cost_per_request": "request",
    "ocr_cost_per_page": "page",
}
SEARCH_KINDS = {
    "search_context_size_low": "web_search_low",
    "search_context_size_medium": "web_search_medium",
    "search_context_size_high": "web_search_high",
}
KIND_ORDER = [*PRICE_KINDS.values(), *SEARCH_KINDS.values()]

TIERS = {
    "batches": "batch",
    "flex": "flex",
    "priority": "priority",
    "balanced": "balanced",
    "ultrafast": "ultrafast",
}
TIER_ORDER = ["", *TIERS.values()]

CAPABILITIES = {
    "supports_function_calling": "tools",
    "supports_parallel_function_calling": "parallel_tools",
    "supports_tool_choice": "tool_choice",
    "supports_response_schema": "response_schema",
    "supports_reasoning": "reasoning",
    "supports_prompt_caching": "prompt_caching",
    "supports_system_messages": "system_messages",
    "supports_assistant_prefill": "assistant_prefill",
    "supports_web_search": "web_search",
    "supports_computer_use": "computer_use",
    "supports_vision": "vision",
    "supports_pdf_input": "pdf_input",
    "supports_audio_input": "audio_input",
    "supports_audio_output": "audio_output",
    "supports_video_input": "video_input",
}

TIER_SUFFIX = re.compile(r"_(" + "|".join(TIERS) + r")$")
CONTEXT_SUFFIX = re.compile(r"_above_(\d+)k_tokens$")
PRICE_FIELD = re.compile(r"cost|pricing")


class Report:
    """What the build left out or changed, told at the end."""

    def __init__(self):
        self.rounded = []
        self.left_out = Counter()
        self.fields_left_out = Counter()
        self.overruled = []


def fetch_wheel(directory):
    subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
            "--platform", WHEEL_PLATFORM, "--python-version", "3.11",
            "--dest", str(directory), f"litellm=={WHEEL_VERSION}",
        ],
        check=True,
    )
    (wheel,) = directory.glob("litellm-*.whl")
    return wheel


def read_price_map(wheel):
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        sys.exit(f"{wheel.name}: SHA-256 is {digest}, pinned is {WHEEL_SHA256}; refusing to read it")
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(MAP_IN_WHEEL)
    # Decimal keeps the digits as written; a float would not.
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def provider_and_model(key, entry):
    named = entry["litellm_provider"]
    provider = "vertex_ai" if named.startswith("vertex_ai") else PROVIDER_ALIASES.get(named, named)
    for prefix in (named, provider):
        if key.startswith(prefix + "/"):
            return provider, key[len(prefix) + 1 :], True
    return provider, key, False


def to_femto(name, field, usd, report):
    exact = Decimal(usd) * FEMTO_PER_USD
    if not exact.is_finite() or exact < 0 or exact > MAX_FEMTO:
        sys.exit(f"{name}: {field} = {usd} is no price")
    whole = exact.to_integral_value(rounding=ROUND_HALF_EVEN)
    if whole != exact:
        report.rounded.append((name, field, str(usd), int(whole)))
    return int(whole)


def price_field(field):
    """(kind, tier, above_thousand_tokens) of a field, or None when we keep no such price."""
    tier = ""
    if match := TIER_SUFFIX.search(field):
        tier, field = TIERS[match[1]], field[: match.start()]
    above = 0
    if match := CONTEXT_SUFFIX.search(field):
        above, field = int(match[1]), field[: match.start()]
    kind = PRICE_KINDS.get(field)
    return None if kind is None else (kind, tier, above)


def prices_of(name, entry, report):
    prices = {}
    for field, value in entry.items():
        if field == "search_context_cost_per_query":
            for size, usd in value.items():
                prices[(SEARCH_KINDS[size], "", 0)] = to_femto(name, f"{field}.{size}", usd, report)
        elif field == "tiered_pricing":
            # Each step holds for the whole request once its prompt is longer than the step's start.
            for step in value:
                above = Decimal(step["range"][0]) / 1000
                if above != int(above):
                    report.fields_left_out["tiered_pricing step off a whole thousand"] += 1
                    continue
                for step_field, usd in step.items():
                    if (parts := price_field(step_field)) and usd is not None:
                        place = (parts[0], parts[1], int(above))
                        prices[place] = to_femto(name, f"{field}.{step_field}", usd, report)
        elif parts := price_field(field):
            if value is not None:
                prices[parts] = to_femto(name, field, value, report)
        elif PRICE_FIELD.search(field) and field not in ("input_cost_per_token_cache_hit",):
            report.fields_left_out[field] += 1
    # Two spellings of one price: DeepSeek's "cache hit".
    if "input_cost_per_token_cache_hit" in entry and ("cache_read", "", 0) not in prices:
        usd = entry["input_cost_per_token_cache_hit"]
        prices[("cache_read", "", 0)] = to_femto(name, "input_cost_per_token_cache_hit", usd, report)
    return prices


def format_prices(prices):
    def place(item):
        kind, tier, above = item[0]
        return KIND_ORDER.index(kind), TIER_ORDER.index(tier), above

    words = []
    for (kind, tier, above), femto in sorted(prices.items(), key=place):
        words.append(kind + (f"@{tier}" if tier else "") + (f">{above}k" if above else "") + f"={femto}")
    return " ".join(words)


def limit(entry, field):
    value = entry.get(field)
    try:
        return str(int(Decimal(value))) if value is not None and Decimal(value) > 0 else ""
    except ArithmeticError:
        return ""


def line_of(name, entry, report):
    flags = [word for field, word in CAPABILITIES.items() if entry.get(field) is True]
    if entry.get("supports_sampling_params") is False:
        flags.append("no_sampling_params")
    columns = [
        name,
        entry["mode"],
        format_prices(prices_of(name, entry, report)),
        limit(entry, "max_input_tokens"),
        limit(entry, "max_output_tokens"),
        " ".join(flags),
        str(entry.get("deprecation_date", "")),
        str(entry.get("source", "")),
    ]
    if any(char in column for column in columns for char in "\t\n\r"):
        sys.exit(f"{name}: a tab or line break inside a column")
    return "\t".join(columns)


def build(price_map, report):
    chosen = {}
    for key, entry in price_map.items():
        if key in RESERVED_KEYS:
            continue
        if entry.get("mode") not in KEPT_MODES:
            report.left_out[str(entry.get("mode"))] += 1
            continue
        provider, model, has_prefix = provider_and_model(key, entry)
        name = f"{provider}/{model}"
        if name in chosen:
            # `deepseek/x` and `x` of provider deepseek are one model; the full name is the better source.
            if chosen[name][0] or not has_prefix:
                report.overruled.append(key)
                continue
            report.overruled.append(chosen[name][1])
        chosen[name] = (has_prefix, key, entry)
    lines = [line_of(name, entry, report) for name, (_, _, entry) in chosen.items()]
    # Byte order of the name: the reader searches the text by it.
    return sorted(lines, key=lambda line: line.split("\t", 1)[0].encode())


def read_prices(text):
    table = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, prices = line.split("\t")[:3]
            table[name] = dict(word.split("=") for word in prices.split())
    return table


def gate(old_text, new_text):
    """Reasons to look twice before the new file replaces the old one."""
    old, new = read_prices(old_text), read_prices(new_text)
    reasons = []
    if len(new) < len(old) * 0.95:
        reasons.append(f"{len(old)} entries became {len(new)}")
    for name in old.keys() & new.keys():
        for kind in old[name].keys() & new[name].keys():
            before, after = int(old[name][kind]), int(new[name][kind])
            if before != after and not (before <= 3 * after and after <= 3 * before):
                reasons.append(f"{name} {kind}: {before} became {after}")
    return sorted(reasons)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--wheel", type=Path)
    arguments.add_argument("--accept-changes", action="store_true")
    options = arguments.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        price_map = read_price_map(options.wheel or fetch_wheel(Path(directory)))
    report = Report()
    lines = build(price_map, report)
    header = f"# litellm-{WHEEL_VERSION}\t{len(lines)} models\tfemto-USD per unit; made by scripts/build-price-catalogue.py"
    text = "\n".join([header, *lines]) + "\n"

    if PRICES_FILE.exists() and not options.accept_changes:
        if reasons := gate(PRICES_FILE.read_text(), text):
            sys.exit("refused (see --accept-changes):\n  " + "\n  ".join(reasons))
    PRICES_FILE.write_text(text)
    rounded = [f"{name}\t{field}\t{usd}\t{femto}" for name, field, usd, femto in sorted(report.rounded)]
    ROUNDED_FILE.write_text("# model\tfield\tUSD in the source\tfemto-USD taken\n" + "".join(f"{row}\n" for row in rounded))

    print(f"{len(lines)} models, {len(text)} bytes, {len(rounded)} prices rounded (rounded.tsv)")
    print("modes left out:", dict(report.left_out))
    print("price fields left out:", dict(report.fields_left_out.most_common()))
    print("shadowed by the full name:", len(report.overruled))


if __name__ == "__main__":
    main()
