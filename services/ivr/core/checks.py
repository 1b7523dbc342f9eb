"""What makes a flow fit to be published: every problem names its node and the reason, in English and Chinese. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from ipcc.errors import Invalid
from services.ivr.core.flow import BACK, Flow, read_document
from services.ivr.core.linking import link
from services.ivr.core.nodes.bank import BankNode
from services.ivr.core.nodes.collect import CollectNode
from services.ivr.core.nodes.identify import IdentifyNode
from services.ivr.core.nodes.recognise import RecogniseNode
from services.ivr.core.nodes.say import SayNode
from services.ivr.core.nodes.sms import OPERATION, SmsNode
from services.ivr.core.operations import find_faults
from services.ivr.core.ordering import find_order_faults
from services.ivr.core.phrases import words_of
from services.ivr.core.speech import Digits, Spoken, Text
from services.ivr.core.steps import Language

Catalogue = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Problem:
    """Why a flow cannot be published; ``node`` is also start, resume, on_error or keys."""

    node: str
    en: str
    zh: str

    def __str__(self) -> str:
        return f"{self.node}: {self.en}"


def parse(document: object, parts: Mapping[str, Flow] | None = None, catalogue: Catalogue | None = None) -> Flow:
    """The flow in a JSON document with its sub-flows fitted in; ``catalogue``: the prompts there are, by language.

    Raises Invalid naming every node and reason; ``details["problems"]`` has them in both languages.
    """
    return checked(link(read_document(document), parts or {}), catalogue)


def checked(flow: Flow, catalogue: Catalogue | None = None) -> Flow:
    """``flow`` itself. Raises Invalid when it cannot be published."""
    problems = find_problems(flow, catalogue)
    if problems:
        message = f"flow {flow.id} cannot be published: " + "; ".join(map(str, problems))
        raise Invalid("flow.invalid", message, problems=[asdict(problem) for problem in problems])
    return flow


def find_problems(flow: Flow, catalogue: Catalogue | None = None) -> list[Problem]:
    """Every reason why ``flow`` cannot be published, whole flow linked; a target that is missing hides the rest."""
    problems = [_no_node(part, name) for part, name in _edges(flow) if name not in flow.nodes]
    if problems:
        return problems
    problems += _ways(flow)
    problems += _circles(flow)
    problems += _secrets(flow)
    problems += _operations(flow)
    problems += _texts(flow)
    problems += _phrases(flow)
    problems += (Problem(*fault) for fault in find_order_faults(flow, secret_variables(flow)))
    if catalogue is not None:
        problems += _prompts(flow, catalogue)
    return problems


def entrances(flow: Flow) -> list[str]:
    """Where a caller can come in or be sent from anywhere."""
    handlers = (flow.on_error, *flow.on_errors.values())
    return [n for n in (flow.start, flow.resume, *handlers, *flow.keys.values()) if n and n != BACK]


def _no_node(part: str, name: str) -> Problem:
    return Problem(part, f"there is no node {name}", f"没有节点 {name}")


def _edges(flow: Flow) -> Iterator[tuple[str, str]]:
    yield "start", flow.start
    yield "resume", flow.resume
    if flow.on_error:
        yield "on_error", flow.on_error
    for target in flow.on_errors.values():
        yield "on_errors", target
    for target in flow.keys.values():
        if target != BACK:
            yield "keys", target
    for name, node in flow.nodes.items():
        for target in node.targets():
            yield name, target


def _ways(flow: Flow) -> Iterator[Problem]:
    reached = _reach(flow, entrances(flow))
    for name in flow.nodes:
        if name not in reached:
            yield Problem(name, "no way leads to it", "没有任何路径可以到达")
    ends = {name for name, node in flow.nodes.items() if node.IS_END}
    leading = _reach_back(flow, ends)
    for name in sorted(reached - leading):
        yield Problem(name, "no way out to an end", "从此处无法走到结束")


def _circles(flow: Flow) -> Iterator[Problem]:
    silent = {name for name, node in flow.nodes.items() if not node.TAKES_INPUT}
    ways = {name: [t for t in flow.nodes[name].targets() if t in silent] for name in silent}
    left = _stripped(ways)
    for name in flow.nodes:
        if name in left and name in _spread(ways, ways[name]):
            yield Problem(name, "goes round in a circle where the caller can do nothing", "在此循环，来电者无法输入")


def _stripped(ways: Mapping[str, list[str]]) -> set[str]:
    """The nodes that can be in a circle: without those from which every way ends."""
    before: dict[str, list[str]] = {name: [] for name in ways}
    for name, ends in ways.items():
        for target in ends:
            before[target].append(name)
    onward = {name: len(ends) for name, ends in ways.items()}
    ended = deque(name for name, count in onward.items() if not count)
    left = set(ways)
    while ended:
        name = ended.popleft()
        left.discard(name)
        for earlier in before[name]:
            onward[earlier] -= 1
            if not onward[earlier]:
                ended.append(earlier)
    return left


def secret_variables(flow: Flow) -> set[str]:
    """Variables that hold a secret anywhere in the flow."""
    found = {node.variable for node in flow.nodes.values() if isinstance(node, CollectNode) and node.secret}
    if any(isinstance(node, IdentifyNode) for node in flow.nodes.values()):
        found.add("card_no")
    return found


def _secrets(flow: Flow) -> Iterator[Problem]:
    secrets = secret_variables(flow)
    for name, node in flow.nodes.items():
        for variable in sorted(secrets & set(node.reveals())):
            if any(_says_whole(spoken, variable) for spoken in node.says()) or isinstance(node, SayNode):
                yield Problem(name, f"would say the secret {variable} aloud", f"会念出机密变量 {variable}")
            else:
                yield Problem(
                    name, f"uses the secret {variable} outside the bank", f"在银行接口之外使用机密变量 {variable}"
                )
        for variable in sorted(secrets & set(node.sets())):
            yield Problem(name, f"would store an answer over the secret {variable}", f"会覆盖机密变量 {variable}")


def _says_whole(spoken: Spoken, variable: str) -> bool:
    return not isinstance(spoken, str) and (not isinstance(spoken, Digits) or spoken.digits == variable)


def _operations(flow: Flow) -> Iterator[Problem]:
    for name, node in flow.nodes.items():
        if isinstance(node, BankNode):
            given = frozenset({*node.inputs, *node.constants})
            faults = find_faults(node.operation, given, frozenset(node.outputs))
        elif isinstance(node, SmsNode):
            faults = find_faults(OPERATION, node.parameters(), frozenset())
        else:
            continue
        for fault in faults:
            yield Problem(name, fault, f"银行接口使用有误：{fault}")


def texts_of(flow: Flow) -> Iterator[tuple[str, str]]:
    """Every text of its own that it may say, with its language."""
    for node in flow.nodes.values():
        for spoken in node.says():
            if isinstance(spoken, Text):
                yield from ((text, language) for language, text in spoken.text.items())


def _texts(flow: Flow) -> Iterator[Problem]:
    for name, node in flow.nodes.items():
        for spoken in node.says():
            for language in flow.languages:
                if isinstance(spoken, Text) and language not in spoken.text:
                    yield Problem(name, f"a text is missing in {language}", f"缺少 {language} 文本")


def _phrases(flow: Flow) -> Iterator[Problem]:
    """What could not be said, or would mean two things."""
    for name, node in flow.nodes.items():
        if isinstance(node, RecogniseNode):
            yield from _shared_keys(name, node)
            yield from _unnamed(name, node)
            for language in flow.languages:
                yield from _unclear_phrases(name, node, language)


def _shared_keys(name: str, node: RecogniseNode) -> Iterator[Problem]:
    keys = [choice.key for choice in node.choices.values() if choice.key]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield Problem(name, f"key {key} belongs to two choices", f"按键 {key} 属于两个选项")


def _unnamed(name: str, node: RecogniseNode) -> Iterator[Problem]:
    for choice, spoken in node.choices.items():
        if node.confirm_below and not spoken.named:
            yield Problem(
                name, f"choice {choice} has no name to be asked back by", f"选项 {choice} 缺少确认时播报的名称"
            )


def _unclear_phrases(name: str, node: RecogniseNode, language: Language) -> Iterator[Problem]:
    owners: dict[tuple[str, ...], str] = {}
    for choice, spoken in node.choices.items():
        if language not in spoken.phrases:
            yield Problem(name, f"choice {choice} has no phrase in {language}", f"选项 {choice} 缺少 {language} 说法")
        for phrase in spoken.phrases.get(language, ()):
            words = words_of(phrase)
            if not words:
                yield Problem(name, f"choice {choice} has a phrase without a word", f"选项 {choice} 的说法中没有文字")
            elif owners.setdefault(words, choice) != choice:
                other = owners[words]
                yield Problem(
                    name,
                    f"phrase {phrase} belongs to {other} and {choice}",
                    f"说法 {phrase} 同时属于 {other} 和 {choice}",
                )


def _prompts(flow: Flow, catalogue: Catalogue) -> Iterator[Problem]:
    said = {name: node.prompt_ids() for name, node in flow.nodes.items()} | {"apology": flow.apology}
    for name, prompts in said.items():
        for language in flow.languages:
            for prompt in prompts:
                if prompt not in catalogue.get(language, frozenset()):
                    yield Problem(name, f"prompt {prompt} is missing in {language}", f"缺少 {language} 语音 {prompt}")


def _reach(flow: Flow, starts: Iterable[str]) -> set[str]:
    return _spread({name: list(node.targets()) for name, node in flow.nodes.items()}, starts)


def _reach_back(flow: Flow, ends: Iterable[str]) -> set[str]:
    before: dict[str, list[str]] = {name: [] for name in flow.nodes}
    for name, node in flow.nodes.items():
        for target in node.targets():
            before[target].append(name)
    return _spread(before, ends)


def _spread(ways: Mapping[str, list[str]], starts: Iterable[str]) -> set[str]:
    seen = set(starts)
    waiting = deque(seen)
    while waiting:
        for target in ways[waiting.popleft()]:
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen
