"""The words beside which secrets and personal data are written, and names of secrets."""

from __future__ import annotations

from typing import Final

PASSWORD_NAME: Final = (
    r"(?P<name>password|passwd|passphrase|passcode|passwort|pwd|pswd|密码|口令|密碼|密钥|秘钥"
    r"|pass|pw|psw|pin|otp|cvv|cvc|totp|mima)(?P<suffix>[\w.-]{0,24})"
)
"""Names whose values are always secret, unless they say that there is none."""

SECRET_NAME: Final = (
    r"(?P<name>secret|token|credential|api[_ -]?key|access[_ -]?key|private[_ -]?key|signing[_ -]?key|encryption[_ -]?key"
    r"|auth[_ -]?key|shared[_ -]?key|master[_ -]?key|account[_ -]?key|app[_ -]?key|signature|session[_-]?id|session[_-]?key"
    r"|session[_-]?token|sessid|authorization|cookie|令牌|sid|session|sig|jwt|auth|hmac|ticket|tgt)"
    r"(?P<suffix>[\w.-]{0,24})"
)
"""Names whose values may be secret: their form decides. Alternatives that begin with a letter each are found fast."""

SHORT_NAMES: Final = frozenset(
    {
        "pass",
        "pw",
        "psw",
        "pin",
        "otp",
        "cvv",
        "cvc",
        "totp",
        "mima",
        "sid",
        "session",
        "sig",
        "jwt",
        "auth",
        "hmac",
        "ticket",
        "tgt",
    }
)
"""Names only where no letter follows and, but for ``pass``, none precedes: ``pin``, and not ``ping``."""

PASSWORD_WORDS: Final = (
    *("pass", "pwd", "pswd", "密", "口令", "秘钥", "pw", "psw", "pin", "otp", "cvv", "cvc", "mima"),
)
SECRET_WORDS: Final = (
    *("secret", "token", "credential", "key", "signature", "sess", "authorization", "cookie", "令牌"),
    *("sid", "sig", "jwt", "auth", "hmac", "ticket", "tgt"),
)
CARD_WORDS: Final = ("card", "pan", "卡号", "银行卡", "信用卡", "卡號")
ID_WORDS: Final = ("id", "cert", "ssn", "passport", "身份证", "身分證", "證件", "证件", "护照", "通行证")
ACCOUNT_WORDS: Final = (
    "acc",
    "a/c",
    "cust",
    "client",
    "客户",
    "资金",
    "证券",
    "股东",
    "账",
    "帐",
    "客戶",
    "帳",
    "席位",
)
PHONE_WORDS: Final = (
    *(
        "phone",
        "tel",
        "mobile",
        "cell",
        "fax",
        "msisdn",
        "whatsapp",
        "手机",
        "手機",
        "电话",
        "電話",
        "联系方式",
        "座机",
        "传真",
    ),
)
PERSON_WORDS: Final = (
    "姓名",
    "户名",
    "戶名",
    "联系人",
    "聯絡人",
    "收款人",
    "付款人",
    "持卡人",
    "经办人",
    "申请人",
    "投资者",
    "开户人",
)
ADDRESS_WORDS: Final = ("addr", "地址", "住址", "住所")
"""Words of which one is in every text, in lower case, that the patterns of a kind match."""

HARMLESS_SUFFIX: Final = (
    r"(?:s|iz\w+|is(?:ed|ing)|ary|aries|[_.-]?(?:(?:is_?)?(?:count\w*|timeouts?|expir\w*|ttl|len|length|size|type|polic\w*|ur[il]|endpoint|path|file|dir"
    r"|state|status|time|date|at|age|version|enabled|required|valid|limit|max|min|num|rate|usage|used|error\w*|retries|retry"
    r"|attempts?|strength|algorithm|alg|format|class|provider|manager|service|bucket|index|pool|mode|scope|prefix|interval"
    r"|budget|refresh(?:ed)?|source|store|ms|sec|s|method|kind|field|column|name|ids?_?count|changed?|reset|history|in|ref"
    r"|location|server|created|opened|closed|established)))"
)
"""What follows a secret's name where the value is about it, such as ``token_count``."""

HARMLESS_PREFIX: Final = (
    r"(?:max|min|num|n|total|prompt|completion|input|output|used|per|of|avg|remaining|next)[_ -]?$"
)
"""What precedes it, such as ``max_tokens``."""

NO_VALUE: Final = (
    r"(?:null|none|nil|undefined|nan|true|false|yes|no|on|off|empty|blank|n/a|missing|invalid|expired|required|optional"
    r"|incorrect|wrong|fail(?:ed|ure)?|ok|not|is|was|has|are|must|cannot|unknown|unset|set|valid|success(?:ful)?|error"
    r"|accepted|rejected|denied|revoked|refreshed|created|deleted|updated|changed|reset|found|authentication"
    r"|authorization|token|tokens|password|auth|login|user|request|server|client|string|bearer|basic|the|a|an|for|of|to|from"
    r"|with|by|and|or|in|at|enabled|disabled|default|stored|masked|hidden|redacted|removed|protected|encrypted|\*+|x{3,}|\.{2,}"
    r"|-+|\?+|%[sdv]|\{+[^{}]*\}*|\$\{?[\w.:-]*\}?|\[+(?:redacted|protected|masked|hidden|filtered|removed|null)?\]*|\(+(?:redacted|hidden|null)?\)*|<[^>]*>?|\"\"|'')[.,:;!?|]*"
)
"""What is written where no secret is shown."""

SURNAMES: Final = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范"
    "汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔汤葛樊邢施洪章欧柯俞温倪殷翟安常申"
    "張劉陳楊黃趙吳孫馬鄭謝許韓鄧馮蕭葉呂盧鍾譚陸賈鄒閆龍賀顧龔萬錢戴嚴湯"
)
"""The commonest first characters of Chinese names."""

NO_NAME: Final = frozenset(
    {
        "为空",
        "不能为空",
        "未知",
        "错误",
        "不存在",
        "无",
        "不一致",
        "不匹配",
        "校验",
        "校验失败",
        "null",
        "none",
        "unknown",
        "empty",
    }
)
