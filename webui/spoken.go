package webui

import "strings"

// spokenLanguages are the ones that films are often subtitled in: the code of two
// letters, those of three (ISO 639-2, for books and in the language), and what
// speakers call it.
const spokenLanguages = `
ar ara ara العربية
bg bul bul български
bs bos bos bosanski
ca cat cat català
cs cze ces čeština
da dan dan dansk
de ger deu Deutsch
el gre ell Ελληνικά
en eng eng English
es spa spa español
et est est eesti
eu baq eus euskara
fa per fas فارسی
fi fin fin suomi
fr fre fra français
gl glg glg galego
he heb heb עברית
hi hin hin हिन्दी
hr hrv hrv hrvatski
hu hun hun magyar
id ind ind Indonesia
is ice isl íslenska
it ita ita italiano
ja jpn jpn 日本語
ko kor kor 한국어
lt lit lit lietuvių
lv lav lav latviešu
mk mac mkd македонски
ms may msa Melayu
nl dut nld Nederlands
no nor nor norsk
pl pol pol polski
pt por por português
ro rum ron română
ru rus rus русский
sk slo slk slovenčina
sl slv slv slovenščina
sq alb sqi shqip
sr srp srp српски
sv swe swe svenska
th tha tha ไทย
tr tur tur Türkçe
uk ukr ukr українська
vi vie vie Tiếng Việt
zh chi zho 中文
`

// spoken returns the code of two letters and the name of a language, by any
// of its codes; empty for one that is not known.
func spoken(code string) (tag, name string) {
	code = strings.ToLower(code)
	if len(code) != 2 && len(code) != 3 {
		return "", ""
	}
	for line := range strings.Lines(spokenLanguages) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 4)
		if len(fields) == 4 && (code == fields[0] || code == fields[1] || code == fields[2]) {
			return fields[0], fields[3]
		}
	}
	return "", ""
}
