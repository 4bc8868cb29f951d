"""What is masked: one literal table of kinds, each with the texts that may hold it and the values it means.

A pattern reads lower-case ASCII and says what is written around a value; what a value must be is said by
its check. Repetitions that could be tried again from each character are bounded, so no text takes long.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from features.masking import values
from features.masking.words import (
    ACCOUNT_WORDS,
    ADDRESS_WORDS,
    CARD_WORDS,
    ID_WORDS,
    PASSWORD_NAME,
    PASSWORD_WORDS,
    PERSON_WORDS,
    PHONE_WORDS,
    SECRET_NAME,
    SECRET_WORDS,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Kind(NamedTuple):
    """One way in which a secret or personal datum is written.

    Attributes
    ----------
    name
        What is shown in its place: ``<masked:name>``.
    trigger
        RE2 over the bytes of UTF-8, without regard to case: found in every text that the pattern matches, and
        in few others.
    words
        One of them is in every text, in lower case, that the pattern matches; none if there is no such word.
    pattern
        Where it is. The group ``value`` or ``bare`` is what is masked; without such a group, all of it.
    is_meant
        Judges a match, in the letters that were written, where the pattern alone cannot.
    reads_case
        Whether the pattern reads the text as written, and not in lower case.
    """

    name: str
    trigger: str
    words: tuple[str, ...]
    pattern: re.Pattern[str]
    is_meant: Callable[[str, re.Match[str]], bool] = values.any_value
    reads_case: bool = False


_IS: Final = r"\\{0,8}[\"'\]]?\s{0,3}(?:=>|->|:=|==|:|=)\s{0,3}"
_MAY_BE: Final = r"[\\\"'\]\s”】]*(?:=|:|->|：|＝)"
"""As `_IS`, in RE2."""
_QUOTED: Final = r"(?P<quote>\\{0,8}[\"'])(?P<value>[^\n]*?)(?:(?<!\\)(?P=quote)|\n|\Z)"
_TO_QUOTE: Final = r"(?(quote)[^\n]*?(?:(?=(?<!\\)(?P=quote))|(?=\n)|\Z)|"
_BARE: Final = r"(?P<bare><masked:[a-z0-9_-]{1,32}>|[^\s\"',;&<>)}\]]+)"
_NAMED: Final = r"(?:name|key)\\{0,8}[\"']?\s{0,3}[:=]\s{0,3}\\{0,8}[\"']?[\w.-]{0,44}?"
"""The beginning of a name in one field whose value is in the next."""
_ITS_VALUE: Final = r"\\{0,8}[\"']?[\s,;]{1,40}\\{0,8}[\"']?value"
_VALUE_NEXT: Final = r"[\\\"']*[\s,;]+[\\\"']*value"
"""As `_ITS_VALUE`, in RE2."""
_NO_LETTER: Final = r"(?<![a-z])"
_END: Final = r"(?![0-9])"
_HAN: Final = r"[\u4e00-\u9fff·]"
_HAN_BYTE: Final = r"[\xc2-\xf4]"
"""The first byte of any Han character, and of others."""
_NO: Final = r"(?:[ _-]?(?:no|num|number|nr))?"
_PASSWORD: Final = (
    r"(?:(?:password|passwd|passphrase|passcode|passwort|pwd|pswd|密码|口令|密碼|密钥|秘钥)[\w.-]*"
    r"|(?:pass|pw|psw|pin|otp|cvv2?|cvc2?|totp|mima)(?:[0-9_.-][\w.-]*)?)"
)
_SECRET: Final = (
    r"(?:(?:secret|token|credential|(?:api|access|private|signing|encryption|auth|shared|master|account|app)[_ -]?key"
    r"|signature|session[_-]?(?:id|key|token)|sess(?:ion)?id|authorization|cookie|令牌)[\w.-]*"
    r"|(?:sid|session|sig|jwt|auth|hmac|ticket|tgt)(?:[0-9_.-][\w.-]*)?)"
)
"""As `PASSWORD_NAME` and `SECRET_NAME`, in RE2."""
_ACCOUNT: Final = (
    r"(?:acct|account|a/c|acc[ _-]?no|(?:customer|client|cust)[ _-]?(?:no|num|code|id))[ _-]?(?:no|num|number|id|code|nbr)?\.?"
    r"|客户(?:号|代码|编号)(?:码)?|资金(?:账号|帐号|账户|帐户)|证券(?:账号|账户)|股东(?:账号|账户|代码|卡号|卡|)"
    r"|(?:账号|帐号|账户|帐户)(?:码)?|客戶號|帳號|席位号"
)
_ID: Final = (
    r"(?:id[ _-]?(?:card|no|num|number)|identity(?:[ _-]?(?:card|no|number))?|cert[ _-]?(?:no|num|number|id)|ssn|passport)"
    + _NO
)
_ID_HAN: Final = "身份证|身分證|證件|证件|护照|通行证"
_PHONE: Final = r"(?:phone|tel|mobile|cell|fax|msisdn|whatsapp)" + _NO
_PHONE_HAN: Final = "手机|手機|电话|電話|联系方式|座机|传真"
_PERSON_HAN: Final = "姓名|户名|戶名|联系人|聯絡人|收款人|付款人|持卡人|经办人|申请人|投资者|开户人"
_PERSON: Final = (
    r"(?:real|full|customer|holder|beneficiary|payee|payer|first|last|contact|family|given|cust)[ _-]?name"
)
_CODE: Final = (
    r"(?:(?:otp|totp|mfa|2fa|sms|verification|verify|auth|security|access|one[- ]time|login)[ _-]?(?:code|pin)"
    r"|otp|pin|totp|cvv2?|cvc2?)(?:[ _-]?(?:code|number|no))?(?:\s{1,3}(?:is|was|to|sent))?\\{0,8}[\"']?[\s:=#]{1,4}\\{0,8}[\"']?"
)
_CODE_HAN: Final = "pin码|验证码|校验码|动态码|动态密码|短信码|驗證碼|密码|口令"
_TOKENS: Final = (
    r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){0,4}"
    r"|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}|glsa_\w{20,}"
    r"|A[KS]IA[0-9A-Z]{12,20}|xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"
    r"|[srp]k_(?:live|test)_\w{8,}|whsec_[\w+/=]{16,}|AIza[\w-]{30,}|ya29\.[\w-]{16,}|GOCSPX-[\w-]{16,}"
    r"|sk-(?:[a-z0-9]{2,10}-)?[\w-]{20,}|npm_[A-Za-z0-9]{30,}|pypi-A[\w-]{16,}|dop_v1_[0-9a-f]{32,}"
    r"|hv[sb]\.[\w-]{16,}|s\.[A-Za-z0-9]{24}|SG\.[\w-]{16,}\.[\w-]{16,}|shp[a-z]{2}_[0-9a-fA-F]{24,}"
    r"|LTAI[0-9A-Za-z]{12,24}|AKID[0-9A-Za-z]{13,40}|AGE-SECRET-KEY-1[0-9A-Z]{40,}"
    r"|[0-9]{8,10}:AA[\w-]{30,}|sq0csp-[\w-]{20,}|dapi[0-9a-f]{32}|lin_api_\w{20,}|hf_[A-Za-z]{30,}"
    r"|key-[0-9a-f]{32}"
)
_TOKEN_STARTS: Final = (
    r"eyJ[A-Za-z0-9_-]{8}|gh[pousr]_[a-z0-9]{8}|github_pat_|gl(?:pat-|sa_)|A[KS]IA[0-9A-Z]{12}|xox[a-z]-|xapp-|[srp]k_(?:live|test)_"
    r"|whsec_|AIza|ya29\.|GOCSPX-|(?:^|[^a-z0-9])sk-[a-z0-9]|npm_[a-z0-9]{8}|pypi-A|dop_v1_|hv[sb]\.|(?:^|[^a-z0-9])s\.[a-z0-9]{24}"
    r"|SG\.[\w-]{16}|shp[a-z][a-z]_[0-9a-f]{8}|LTAI[0-9a-z]{12}|AKID[0-9a-z]{13}|AGE-SECRET-KEY-1|:AA[\w-]{16}|sq0csp-"
    r"|dapi[0-9a-f]{8}|lin_api_|hf_[a-z]{8}|key-[0-9a-f]{8}"
)
_TOKEN_WORDS: Final = (
    *(
        "eyj",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat",
        "glpat-",
        "glsa_",
        "akia",
        "asia",
        "xox",
        "xapp-",
        "_live_",
    ),
    *(
        "_test_",
        "whsec_",
        "aiza",
        "ya29",
        "gocspx",
        "sk-",
        "npm_",
        "pypi-",
        "dop_v1",
        "hvs.",
        "hvb.",
        "s.",
        "sg.",
        "shp",
        "ltai",
    ),
    *("akid", "age-secret", ":aa", "sq0csp", "dapi", "lin_api", "hf_", "key-"),
)

KINDS: Final[tuple[Kind, ...]] = (
    # keys and tokens that say what they are
    Kind(
        "secret",
        "-----BEGIN",
        ("-----begin",),
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?P<value>.*?)(?:-----END [A-Z0-9 ]{0,40}-----|\Z)",
            re.DOTALL,
        ),
        reads_case=True,
    ),
    Kind(
        "secret",
        r"^\s*[A-Za-z0-9+/]{60}[A-Za-z0-9+/]*=*\s*$",
        (),
        re.compile(r"\A\s{0,8}(?P<value>[A-Za-z0-9+/]{60,76}={0,2})\s{0,8}\Z", re.ASCII),
        values.is_base64_of_bytes,
        reads_case=True,
    ),
    Kind(
        "secret",
        _TOKEN_STARTS,
        _TOKEN_WORDS,
        re.compile(rf"(?<![A-Za-z0-9])(?:{_TOKENS})(?![A-Za-z0-9])", re.ASCII),
        reads_case=True,
    ),
    Kind(
        "secret",
        r"\$(?:2[aby]|argon2id?|[156])\$",
        ("$2", "$argon2", "$1$", "$5$", "$6$"),
        re.compile(r"\$(?:2[aby]|argon2id?|[156])\$[\w./$,=+-]{12,}", re.ASCII),
        reads_case=True,
    ),
    Kind(
        "secret",
        r"hooks\.slack\.com/services/|/bot/v2/hook/|webhook/send\?key=",
        ("hook",),
        re.compile(
            r"(?:hooks\.slack\.com/services/|/bot/v2/hook/|webhook/send\?key=)(?P<value>[\w/-]{16,})",
            re.ASCII,
        ),
    ),
    # headers
    Kind(
        "secret",
        rf"authorization{_MAY_BE}",
        ("authorization",),
        re.compile(
            rf"authorization{_IS}\\{{0,8}}[\"']?(?:(?:digest|oauth|hawk|negotiate|ntlm|signature|[a-z0-9]{{2,8}}-hmac[a-z0-9-]{{0,16}})\s{{1,3}}"
            r"(?P<value>[^\n]{3,})|(?:[a-z][a-z0-9-]{2,24}\s{1,3})?(?P<bare>[^\s\"',;\\)}\]]{3,}))",
            re.ASCII,
        ),
        values.is_authorization,
    ),
    Kind(
        "secret",
        r"(?:bearer|basic)\s+[a-z0-9._~+/=-]{8}",
        ("bearer", "basic"),
        re.compile(rf"{_NO_LETTER}(?:bearer|basic)\s{{1,3}}(?P<value>[a-z0-9._~+/=-]{{8,}})", re.ASCII),
        values.is_credential,
    ),
    Kind(
        "secret",
        rf"cookies?2?{_MAY_BE}",
        ("cookie",),
        re.compile(
            rf"cookies?2?{_IS}(?P<quote>\\{{0,8}}[\"'])?(?P<value>[^=\s\"';]{{1,64}}=(?:{_TO_QUOTE}[^\n]*)))",
            re.ASCII,
        ),
    ),
    # addresses with a login
    Kind(
        "secret",
        r"//[^/\s:@\"'<>]*:[^\s\"']+@",
        ("@",),
        re.compile(
            r"//[^/\s:@\"'<>]{0,64}:(?P<value>[^\s\"'/]{1,200}|[^\s\"']{1,200}?)@(?=[\w.\[-])", re.ASCII
        ),
    ),
    Kind(
        "secret",
        r"https?://[^/\s:@\"'<>]+@",
        ("@",),
        re.compile(r"https?://(?P<value>[^/\s:@\"'<>]{3,200})@", re.ASCII),
    ),
    Kind(
        "secret",
        r"(?:thin:|sqlplus\s+)[\w$#]+/[^\s@]+@",
        ("thin:", "sqlplus"),
        re.compile(r"(?:thin:|sqlplus\s{1,3})[\w$#]{1,64}/(?P<value>[^\s@]{1,64})@", re.ASCII),
    ),
    # names of secrets, and what follows them
    Kind(
        "secret",
        _PASSWORD + _MAY_BE,
        PASSWORD_WORDS,
        re.compile(rf"{PASSWORD_NAME}{_IS}(?:{_QUOTED}|{_BARE})", re.ASCII),
        values.is_password,
    ),
    Kind(
        "secret",
        _SECRET + _MAY_BE,
        SECRET_WORDS,
        re.compile(rf"{SECRET_NAME}{_IS}\[?(?:{_QUOTED}|{_BARE})", re.ASCII),
        values.is_secret,
    ),
    Kind(
        "secret",
        rf"{_PASSWORD}{_VALUE_NEXT}",
        ("value",),
        re.compile(rf"{_NAMED}{PASSWORD_NAME}{_ITS_VALUE}{_IS}(?:{_QUOTED}|{_BARE})", re.ASCII),
        values.is_password,
    ),
    Kind(
        "secret",
        rf"{_SECRET}{_VALUE_NEXT}",
        ("value",),
        re.compile(rf"{_NAMED}{SECRET_NAME}{_ITS_VALUE}{_IS}(?:{_QUOTED}|{_BARE})", re.ASCII),
        values.is_secret,
    ),
    Kind(  # FIX: Password (554) and NewPassword (925)
        "secret",
        r"8=FIX",
        ("8=fix",),
        re.compile(r"(?<![0-9])(?:554|925)=(?P<value>[^|\x01^;<\s]+)", re.ASCII),
    ),
    Kind(
        "secret",
        rf"<[\w:-]*{_PASSWORD}(?:\s[^>\n]*)?>[^<\n]",
        ("<",),
        re.compile(
            rf"<(?!masked:)[\w:-]{{0,44}}?{PASSWORD_NAME}(?:\s[^>\n]{{0,200}})?>(?P<value>[^<\n]+)", re.ASCII
        ),
        values.is_password,
    ),
    Kind(
        "secret",
        rf"<[\w:-]*{_SECRET}(?:\s[^>\n]*)?>[^<\n]",
        ("<",),
        re.compile(
            rf"<(?!masked:)[\w:-]{{0,44}}?{SECRET_NAME}(?:\s[^>\n]{{0,200}})?>(?P<bare>[^<\n]+)", re.ASCII
        ),
        values.is_secret,
    ),
    Kind(
        "secret",
        r"(?:^|\s)--?[a-z-]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|key)[\s,]",
        ("-p", "-s", "-t", "-a", "--"),
        re.compile(
            r"(?<!\S)--?[a-z-]{0,24}(?:password|passwd|passphrase|pass|pwd|secret|token|api-?key|secret-?key|access-?key)"
            rf"(?:\s{{1,3}}|\s?,\s?)(?P<quote>[\"'])?(?P<value>{_TO_QUOTE}(?!-)[^\s,\])]+))",
            re.ASCII,
        ),
        values.is_no_status,
    ),
    Kind(
        "secret",
        r"(?:mysql|mariadb|sshpass|redis-cli|curl|wget)[a-z-]*\s",
        ("mysql", "mariadb", "sshpass", "redis-cli", "curl", "wget"),
        re.compile(
            rf"{_NO_LETTER}(?:(?:mysql|mariadb)[a-z-]{{0,8}}\s(?:[^\n]{{0,200}}?\s)?-p(?!\s)|sshpass\s{{1,3}}-p\s{{0,3}}"
            r"|redis-cli\s(?:[^\n]{0,200}?\s)?-a\s{1,3}|(?:curl|wget)\s(?:[^\n]{0,200}?\s)?(?:-u|--user)\s{1,3}[^\s:]{1,64}:)"
            rf"(?P<quote>[\"'])?(?P<value>{_TO_QUOTE}\S+))",
            re.ASCII,
        ),
    ),
    Kind(
        "secret",
        r"identified\s+by\s",
        ("identified",),
        re.compile(
            rf"identified\s{{1,3}}by\s{{1,3}}(?:(?:values|password)\s{{1,3}})?(?:{_QUOTED}|(?P<bare>[^\s;,]+))",
            re.ASCII,
        ),
    ),
    Kind(
        "secret",
        r"(?:pass(?:word|phrase|code|wd)|pwd|secret|token|pin|otp)\s+(?:(?:is|was|为|是|to)\s|[\"'])|(?:密码|口令|密钥|秘钥|令牌|密碼|授权码)[:=\s\"'为是：＝“]*[!-~]",
        ("pass", "pwd", "secret", "token", "pin", "otp", "密", "口令", "秘钥", "令牌", "授权码"),
        re.compile(
            rf"(?:{_NO_LETTER}(?:pass(?:word|phrase|code|wd)|pwd|secret|token|pin|otp)\s{{1,3}}(?:(?:is|was|为|是|to)\s{{1,3}}[\"']?|[\"'])"
            r"|(?:密码|口令|密钥|秘钥|令牌|密碼|授权码)[:=\s\"'为是]{0,6})(?P<value>(?![:=\"'])[!-+\--:<-~]{2,})",
            re.ASCII,
        ),
        values.is_no_word,
    ),
    Kind(
        "secret",
        rf"(?:code|pin|otp|cv[vc]2?|number|no|{_CODE_HAN})(?:\s+(?:is|was|to|sent))?[^0-9a-z\n]+[0-9]{{3}}|(?:{_CODE_HAN})[0-9]{{3}}"
        r"|[0-9]{4}[\s\]】)）]*(?:为|是)?(?:您|你)?(?:的)?[\xc2-\xf4\x80-\xbf]*(?:验证码|校验码|动态码)",
        ("code", "pin", "otp", "cv", "码", "碼", "口令"),
        re.compile(
            rf"(?:{_NO_LETTER}{_CODE}|(?:{_CODE_HAN})[^0-9a-z\n]{{0,4}})(?P<value>[0-9]{{3,8}})(?![0-9.:])"
            r"|(?P<bare>[0-9]{4,8})[\s\])]{0,3}(?:为|是)?(?:您|你)?的?[\u4e00-\u9fff]{0,8}(?:验证码|校验码|动态码)",
            re.ASCII,
        ),
        values.is_code,
    ),
    Kind(
        "secret",
        r"key[\\\"'\s]*(?:[:=]|：|＝)[\\\"'\s]*[\w+/=-]{16}",
        ("key",),
        re.compile(r"key\\{0,8}[\"']?\s{0,3}[:=]\s{0,3}\\{0,8}[\"']?(?P<value>[\w+/=-]{16,})", re.ASCII),
        values.is_mixed,
    ),
    # cards, accounts and ID numbers
    Kind(
        "card",
        "(?:^|[^0-9])(?:4[0-9]{15}|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[0-9]{13,15}|6[0-9]{15,18}|955[0-9]{16})(?:[^0-9]|$)",
        (),
        re.compile(rf"[0-9]{{14,19}}{_END}"),
        values.is_card,
    ),
    Kind(
        "card",
        "(?:^|[^0-9])[0-9]{4}[ _/.-](?:[0-9]{4}[ _/.-][0-9]{4}[ _/.-][0-9]{2}|[0-9]{6}[ _/.-][0-9]{5})",
        (),
        re.compile(
            r"[0-9]{4}(?P<gap>[ _/.-])(?:[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{2,4}(?:(?P=gap)[0-9]{1,3})?|[0-9]{6}(?P=gap)[0-9]{5})"
            + _END
        ),
        values.is_spaced_card,
    ),
    Kind(
        "card",
        rf"(?:card{_NO}|pan{_NO}|卡号|银行卡|信用卡|卡號)[^0-9a-z\n+(]*[0-9](?:[ _/.-]?[0-9]){{11}}",
        CARD_WORDS,
        re.compile(
            rf"(?:{_NO_LETTER}(?:(?:credit|debit|bank)?[ _-]?card|pan){_NO}|卡号|银行卡号?|信用卡号?|卡號)"
            rf"[^0-9a-z\n+(]{{0,8}}(?P<value>[0-9](?:[ _/.-]?[0-9]){{11,22}}){_END}",
            re.ASCII,
        ),
    ),
    Kind(
        "id",
        "(?:^|[^0-9])[1-8][0-9]{5}[ -]?(?:18|19|20)[0-9]{2}[01][0-9][0-3][0-9][ -]?[0-9]{3}[0-9x]",
        (),
        re.compile(
            r"(?P<value>[1-8][0-9]{5}[ -]?(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[ -]?[0-9]{3}[0-9x])"
            + _END
        ),
        values.is_id,
    ),
    Kind(
        "id",
        rf"(?:{_ID}|{_ID_HAN})[^0-9a-z\n]*[a-z]?[a-z]?[0-9][0-9 -]{{5}}",
        ID_WORDS,
        re.compile(
            rf"(?:{_NO_LETTER}{_ID}|{_ID_HAN})[^0-9a-z\n]{{0,8}}(?P<value>[a-z]{{0,2}}[0-9][0-9 -]{{5,20}}[0-9x])(?![0-9a-z])",
            re.ASCII,
        ),
    ),
    Kind(
        "id",
        r"[a-z][0-9]{6}\([0-9A]\)",
        ("(",),
        re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,2}[0-9]{6}\([0-9A]\)"),
        reads_case=True,
    ),
    Kind(
        "id",
        "(?:^|[^0-9-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?:[^0-9-]|$)",
        ("-",),
        re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}"),
        values.is_social_security,
    ),
    Kind(
        "account",
        "(?:^|[^A-Za-z0-9])(?-i:[A-Z][A-Z][0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4})",
        (),
        re.compile(r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Za-z0-9])"),
        values.is_iban,
        reads_case=True,
    ),
    Kind(
        "account",
        rf"(?:{_ACCOUNT})[\\\"'\]\[(\s:=#为是：＝”]*[a-z]?[a-z]?[0-9][0-9* -]{{4}}",
        ACCOUNT_WORDS,
        re.compile(
            rf"(?:{_NO_LETTER}(?:{_ACCOUNT})|{_ACCOUNT})\\{{0,8}}[\"'\]]?(?:\s{{0,3}}[:=#]\s{{0,3}}|\s{{1,3}}|[为是])?\\{{0,8}}[\"'\[(]?"
            r"(?P<value>[a-z]{0,2}[0-9](?:[0-9*]|[ -](?=[0-9]{4}(?![0-9]))){4,23})(?![0-9:*]|[.-][0-9])",
            re.ASCII,
        ),
        values.is_account,
    ),
    # ways to reach a person
    Kind(
        "phone",
        "(?:^|[^0-9]|86)1[3-9][0-9](?:[0-9]{8}|[ -][0-9]{4}[ -][0-9]{4})(?:[^0-9]|$)",
        (),
        re.compile(r"1[3-9][0-9](?:[0-9]{8}|(?P<gap>[ -])[0-9]{4}(?P=gap)[0-9]{4})" + _END),
        values.is_mobile,
    ),
    Kind(
        "phone",
        rf"(?:{_PHONE}|{_PHONE_HAN})[^0-9a-z\n]*[0-9][0-9 ()/.-]{{5}}",
        PHONE_WORDS,
        re.compile(
            rf"(?:{_NO_LETTER}(?:tele)?{_PHONE}|{_PHONE_HAN})[^0-9a-z\n+(]{{0,8}}(?P<value>[+(]{{0,2}}[0-9][0-9 ()/.-]{{5,20}}[0-9]){_END}",
            re.ASCII,
        ),
        values.is_phone,
    ),
    Kind(
        "phone",
        r"\+[1-9](?:[ ()-]*[0-9]){7}",
        ("+",),
        re.compile(rf"(?<![0-9a-z.])\+(?P<value>[1-9][0-9]{{0,2}}(?:[ -]?\(?[0-9]{{2,4}}\)?){{2,5}}){_END}"),
        values.is_international,
    ),
    Kind(
        "phone",
        r"(?:^|[^0-9])0[1-9][0-9][0-9]?(?:-|\) ?)[2-8][0-9]{6}",
        ("-", ")"),
        re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})(?:-|\) ?)[2-8][0-9]{6,7}"),
        values.is_landline,
    ),
    Kind(
        "mail",
        r"[a-z0-9_.+%-]@[a-z0-9.-]+\.[a-z][a-z]",
        ("@",),
        re.compile(
            r"(?<![a-z0-9.+_%-])[a-z0-9_][a-z0-9.+_%-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24}(?![a-z0-9-]|\.[0-9])"
        ),
        values.is_mail,
    ),
    Kind(
        "mail",
        r"(?:mail|邮箱|邮件|郵箱)[^a-z0-9\n]*[a-z0-9_][a-z0-9.+_%-]*@[a-z0-9]",
        ("@",),
        re.compile(
            r"(?:mail|邮箱|邮件|郵箱)[^a-z0-9\n]{0,8}(?P<value>[a-z0-9_][a-z0-9.+_%-]{0,63}@[a-z0-9][a-z0-9.-]{0,120})"
        ),
    ),
    # who a person is
    Kind(
        "name",
        rf"(?:{_PERSON_HAN})(?:{_MAY_BE}|[\[\s(【（]*{_HAN_BYTE})",
        PERSON_WORDS,
        re.compile(
            rf"(?:{_PERSON_HAN})(?:\\{{0,8}}[\"'\]]?\s{{0,3}}[:=]\s{{0,3}}\\{{0,8}}[\"'\[]?"
            rf"(?P<value>{_HAN}{{2,8}}|[a-z][a-z'.-]{{1,24}}(?: [a-z][a-z'.-]{{1,24}}){{0,2}})"
            rf"|(?:(?<=姓名)\s{{0,2}}|[\[(])(?P<bare>{_HAN}{{2,8}}))",
            re.ASCII,
        ),
        values.is_name,
    ),
    Kind(
        "name",
        _PERSON + _MAY_BE,
        ("name",),
        re.compile(
            rf"(?i:{_NO_LETTER}(?:[a-z]{{2,12}}[ _-]?)??{_PERSON})\\{{0,8}}[\"'\]]?\s{{0,3}}[:=]\s{{0,3}}"
            rf"(?:(?P<quote>\\{{0,8}}[\"'])(?P<value>[^\n\"'\\]{{2,64}})|(?P<bare>{_HAN}{{2,8}}"
            r"|[A-Za-z][A-Za-z'.-]{1,24}(?: [A-Z][a-z'.-]{1,24}){0,2}))",
            re.ASCII,
        ),
        values.is_name,
        reads_case=True,
    ),
    Kind(
        "name",
        rf"<[\w:-]*{_PERSON}(?:\s[^>\n]*)?>\s*{_HAN_BYTE}",
        ("name",),
        re.compile(
            rf"<[\w:-]{{0,44}}?{_PERSON}(?:\s[^>\n]{{0,200}})?>\s{{0,3}}(?P<value>{_HAN}{{2,8}})", re.ASCII
        ),
        values.is_name,
    ),
    Kind(
        "name",
        rf"(?:name|用户|客户)(?:名)?(?:称)?{_MAY_BE}[\\\"'\[\s]*{_HAN_BYTE}",
        ("name", "用户", "客户"),
        re.compile(
            rf"(?:name|用户名?|客户名?称?)\\{{0,8}}[\"'\]]?\s{{0,3}}[:=]\s{{0,3}}\\{{0,8}}[\"'\[]?(?P<value>{_HAN}{{2,4}})(?!{_HAN})",
            re.ASCII,
        ),
        values.is_chinese_name,
    ),
    Kind(
        "address",
        rf"(?:地址|住址|住所|addr(?:ess)?){_MAY_BE}[\\\"'\[\s]*[0-9a-z-]*{_HAN_BYTE}",
        ADDRESS_WORDS,
        re.compile(
            r"(?:地址|住址|住所|addr(?:ess)?)\\{0,8}[\"'\]]?\s{0,3}[:=]\s{0,3}\\{0,8}[\"'\[]?"
            rf"(?P<value>[0-9a-z-]{{0,12}}{_HAN}(?:[\u4e00-\u9fff·0-9a-z#-]| (?=[0-9\u4e00-\u9fff])){{2,60}})",
            re.ASCII,
        ),
        values.is_address,
    ),
)
"""Every kind; where two mean the same characters, the earlier one gives the name."""
