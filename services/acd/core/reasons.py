"""Why an agent was no candidate, in Chinese: decisions keep these reasons in English, as ``needs.misfit`` words them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ipcc.contracts.acd import AcdPayload, OfferMade

_CHINESE: Mapping[str, str] = {
    r"no longer a user": "已不是用户",
    r"skill (?P<skill>\S+): has (?P<has>\d+), needs (?P<needs>\d+)": "技能 {skill}:有 {has} 级,要求 {needs} 级",
    r"does not speak (?P<language>.+)": "不会说 {language}",
    r"phone is on switch (?P<node>.+)": "话机在交换机 {node} 上",
    r"the caller waits for another agent": "客户在等另一名座席",
    r"not of group (?P<groups>.+)": "不属于组 {groups}",
    r"not at site (?P<sites>.+)": "不在站点 {sites}",
    r"does not fulfil (?P<expression>.+)": "不满足条件 {expression}",
    r"takes no (?P<medium>\S+)": "不受理 {medium}",
    r"holds (?P<held>\d+) in writing of (?P<most>\d+)": "手上已有 {held} 个文字联络,上限 {most} 个",
    r"holds (?P<held>\d+) (?P<medium>\S+) of (?P<most>\d+)": "手上已有 {held} 个 {medium},上限 {most} 个",
    r"holds (?P<held>\d+) (?P<medium>\S+), takes calls up to (?P<most>\d+)": "手上有 {held} 个 {medium},超过 {most} 个时不接来电",
    r"is to be not_ready": "话后转为未就绪",
    r"has no phone": "没有话机",
    r"is out": "未签入",
    r"is not_ready": "未就绪",
    r"is ready": "已就绪",
    r"is offered": "正在分配其他客户",
    r"is ringing": "振铃中",
    r"is talking": "通话中",
    r"is wrap_up": "话后处理中",
}


def with_chinese_reasons(event: AcdPayload) -> AcdPayload:
    """The event with the reasons in its ``why`` in Chinese, for whoever puts it into words."""
    if not isinstance(event, OfferMade) or not event.why.get("others"):
        return event
    others = {agent: chinese(reason) for agent, reason in event.why["others"].items()}
    return event.model_copy(update={"why": {**event.why, "others": others}})


def chinese(reason: str) -> str:
    """``reason`` in Chinese; as it stands where there are no words for it."""
    for pattern, words in _CHINESE.items():
        found = re.fullmatch(pattern, reason)
        if found is not None:
            values = {name: re.sub(r"\bor\b", "或", text) for name, text in found.groupdict().items()}
            return words.format(**values)
    return reason
