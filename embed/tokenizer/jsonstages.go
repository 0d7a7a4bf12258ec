package tokenizer

import (
	"encoding/json"
	"maps"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// readNormalizer reads a normalizer, or a sequence of them.
func readNormalizer(o object) []normalizer {
	var list []normalizer
	switch kind := o.text("type"); kind {
	case "Sequence":
		for _, child := range o.children("normalizers") {
			list = append(list, readNormalizer(child)...)
		}
	case "NFC", "NFD", "NFKC", "NFKD":
		list = append(list, unicodeForm{forms[kind]})
	case "Lowercase":
		list = append(list, lowercase{})
	case "Replace":
		p := readPattern(o)
		list = append(list, replacement{p, o.text("content")})
	case "Strip":
		list = append(list, strip{o.flag("strip_left", true), o.flag("strip_right", true)})
	case "StripAccents":
		list = append(list, newMapping(withoutMarks))
	case "Prepend":
		list = append(list, &prefixed{prefix: o.text("prepend")})
	case "Nmt":
		list = append(list, newMapping(nmt))
	case "BertNormalizer":
		list = readBertNormalizer(o)
	case "Precompiled":
		list = append(list, readPrecompiled(o)...)
	default:
		o.fail("type", "is %q, which is not known", kind)
		return nil
	}
	o.done()
	return list
}

var forms = map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}

func readBertNormalizer(o object) []normalizer {
	var list []normalizer
	if o.flag("clean_text", true) {
		list = append(list, newMapping(bertText))
	}
	if o.flag("handle_chinese_chars", true) {
		list = append(list, spacedIdeographs{newRuneSet(ideographs)})
	}
	lower := o.flag("lowercase", true)
	if o.flag("strip_accents", lower) {
		list = append(list, unicodeForm{norm.NFD}, newMapping(withoutNonspacing))
	}
	if lower {
		list = append(list, lowercase{})
	}
	return list
}

func readPrecompiled(o object) []normalizer {
	var blob []byte // JSON has it in base64
	if !o.take("precompiled_charsmap", &blob) || len(blob) == 0 {
		return nil
	}
	m, err := newCharsmap(blob)
	if err != nil {
		o.fail("precompiled_charsmap", "is broken: %v", err)
		return nil
	}
	return []normalizer{newPrecompiled(m)}
}

// readPattern takes the member pattern: {"String": …} or {"Regex": …}.
func readPattern(o object) *pattern {
	child, ok := o.child("pattern")
	if !ok {
		o.fail("pattern", "is missing")
		return new(pattern)
	}
	literal, expression := child.text("String"), child.text("Regex")
	child.done()
	if literal != "" {
		expression = quote(literal)
	}
	p, err := compile(expression)
	if err != nil {
		o.fail("pattern", "%q: %v", expression, err)
		return new(pattern)
	}
	return p
}

// quote escapes what means something in a regular expression.
func quote(literal string) string {
	var b strings.Builder
	for _, r := range literal {
		if strings.ContainsRune(`\.+*?()|[]{}^$-&`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

var behaviors = map[string]behavior{
	"Removed": removed, "Isolated": isolated, "MergedWithPrevious": mergedWithPrevious,
	"MergedWithNext": mergedWithNext, "Contiguous": contiguous,
}

// readPreTokenizer reads a pre-tokenizer, or a sequence of them.
func readPreTokenizer(o object) []preTokenizer {
	var list []preTokenizer
	switch kind := o.text("type"); kind {
	case "Sequence":
		for _, child := range o.children("pretokenizers") {
			list = append(list, readPreTokenizer(child)...)
		}
	case "Split":
		list = append(list, split{readPattern(o), readBehavior(o), o.flag("invert", false)})
	case "ByteLevel":
		list = append(list, newByteLevel(o.flag("add_prefix_space", true), o.flag("use_regex", true)))
		o.ignore("trim_offsets")
	case "Metaspace":
		list = append(list, readMetaspace(o))
	case "Whitespace":
		list = append(list, split{classFinder{is: isSpace}, removed, false}, split{classFinder{is: isWordRune, runs: true}, isolated, false})
	case "WhitespaceSplit":
		list = append(list, split{classFinder{is: isSpace}, removed, false})
	case "BertPreTokenizer":
		list = append(list, split{classFinder{is: isSpace}, removed, false}, split{classFinder{is: isPunctuation}, isolated, false})
	case "Punctuation":
		list = append(list, split{classFinder{is: isPunctuation}, readBehavior(o), false})
	case "Digits":
		list = append(list, split{classFinder{is: unicode.IsNumber, runs: !o.flag("individual_digits", false)}, isolated, false})
	case "CharDelimiterSplit":
		delimiter := o.text("delimiter")
		list = append(list, split{classFinder{is: func(r rune) bool { return string(r) == delimiter }}, removed, false})
	default:
		o.fail("type", "is %q, which is not known", kind)
		return nil
	}
	o.done()
	return list
}

// readMetaspace reads a Metaspace, in its older form too, which has the member
// add_prefix_space.
func readMetaspace(o object) metaspace {
	p := metaspace{replacement: o.text("replacement"), cut: o.flag("split", true)}
	if p.replacement == "" {
		o.fail("replacement", "is missing")
		p.replacement = spaceMark
	}
	old := o.flag("add_prefix_space", true)
	o.ignore("str_rep")
	switch scheme := o.text("prepend_scheme"); {
	case scheme == "" && !old, scheme == "never":
		p.prefix = prefixNever
	case scheme == "first":
		p.prefix = prefixFirst
	case scheme != "" && scheme != "always":
		o.fail("prepend_scheme", "is %q, which is not known", scheme)
	}
	return p
}

func readBehavior(o object) behavior {
	name := "Isolated"
	o.take("behavior", &name)
	b, ok := behaviors[name]
	if !ok {
		o.fail("behavior", "is %q, which is not known", name)
	}
	return b
}

// readPostProcessor returns the special ids before and after a text.
func readPostProcessor(o object) (before, after []int64) {
	switch kind := o.text("type"); kind {
	case "Sequence":
		for _, child := range o.children("processors") {
			inner, outer := readPostProcessor(child)
			before, after = append(inner, before...), append(after, outer...)
		}
	case "ByteLevel": // it corrects offsets
		o.ignore("add_prefix_space", "trim_offsets", "use_regex")
	case "TemplateProcessing":
		before, after = readTemplate(o)
	case "RobertaProcessing", "BertProcessing":
		before = []int64{readTokenPair(o, "cls")}
		after = []int64{readTokenPair(o, "sep")}
		o.ignore("trim_offsets", "add_prefix_space")
	default:
		o.fail("type", "is %q, which is not known", kind)
		return nil, nil
	}
	o.done()
	return before, after
}

// readTokenPair takes a member like ["</s>", 2] and returns the id.
func readTokenPair(o object, member string) int64 {
	var pair []json.RawMessage
	o.need(member, &pair)
	var token string
	var id int64
	if len(pair) != 2 || json.Unmarshal(pair[0], &token) != nil || json.Unmarshal(pair[1], &id) != nil {
		o.fail(member, "is not a token and its id")
	}
	return id
}

// readTemplate reads the template of a single text.
func readTemplate(o object) (before, after []int64) {
	ids := map[string][]int64{}
	if tokens, ok := o.child("special_tokens"); ok {
		for name := range maps.Clone(tokens.members) {
			if t, ok := tokens.child(name); ok {
				var list []int64
				t.need("ids", &list)
				t.ignore("id", "tokens")
				t.done()
				ids[name] = list
			}
		}
	}
	texts := 0
	for _, part := range o.children("single") {
		if t, ok := part.child("SpecialToken"); ok {
			name := t.text("id")
			if _, ok := ids[name]; !ok {
				t.fail("id", "is %q, which special_tokens has not", name)
			}
			if texts == 0 {
				before = append(before, ids[name]...)
			} else {
				after = append(after, ids[name]...)
			}
		}
		if _, ok := part.child("Sequence"); ok {
			texts++
		}
		part.done()
	}
	if texts != 1 {
		o.fail("single", "has the text %d times, wanted once", texts)
	}
	o.ignore("pair")
	return before, after
}
