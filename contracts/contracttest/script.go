package contracttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"aval/domain"
	"aval/domain/canon"
)

type scriptLine struct {
	number int
	text   string
}

// splitScript joins continuation lines, which begin with a blank, and drops comments and empty lines.
func splitScript(script []byte) []scriptLine {
	var lines []scriptLine
	for i, text := range strings.Split(string(script), "\n") {
		switch {
		case strings.TrimSpace(text) == "", strings.HasPrefix(strings.TrimSpace(text), "#"):
		case strings.ContainsAny(text[:1], " \t") && len(lines) > 0:
			lines[len(lines)-1].text += " " + strings.TrimSpace(text)
		default:
			lines = append(lines, scriptLine{i + 1, text})
		}
	}
	return lines
}

// play runs one line. An error means that the line cannot be read or did not end as it says.
func (b *Bench) play(text string) error {
	want := domain.Code("")
	if rest, refused := strings.CutPrefix(text, "! "); refused {
		name, step := cutWord(rest)
		want, text = domain.Code(name), step
	}
	first, rest := cutWord(text)
	at, err := parseInstant(first)
	if err != nil {
		if want != "" {
			return fmt.Errorf("only a step can be refused: %s", text)
		}
		return b.prepare(first, rest)
	}
	outcome, err := b.playStep(at, rest)
	if err != nil {
		return err
	}
	return checkOutcome(outcome, want)
}

func checkOutcome(outcome error, want domain.Code) error {
	var refusal *domain.Rejection
	switch {
	case outcome == nil && want != "":
		return fmt.Errorf("done, but the script says ! %s", want)
	case outcome == nil:
		return nil
	case !errors.As(outcome, &refusal) || refusal.Code != want:
		return outcome
	}
	return nil
}

// prepare runs a line without a time.
func (b *Bench) prepare(verb, rest string) error {
	words := strings.Fields(rest)
	switch {
	case verb == "party" && len(words) >= 1:
		roles := []domain.Role{}
		for _, role := range words[1:] {
			roles = append(roles, domain.Role(role))
		}
		b.Register(domain.PartyID(words[0]), roles...)
	case verb == "device" && len(words) == 2:
		b.RegisterDevice(words[0], domain.PartyID(words[1]))
	case verb == "source" && len(words) == 3:
		b.RegisterSource(words[0], domain.PartyID(words[1]), words[2])
	case verb == "fund" && len(words) >= 2:
		party, text := cutWord(rest)
		var amount domain.Money
		if err := canon.DecodeJSON([]byte(text), &amount); err != nil {
			return err
		}
		b.Fund(domain.PartyID(party), amount)
	default:
		return fmt.Errorf("cannot read %q", verb+" "+rest)
	}
	return nil
}

// playStep runs a line with a time. outcome is what the ledger says, err that the line cannot be read.
func (b *Bench) playStep(at domain.Millis, rest string) (outcome, err error) {
	verb, rest := cutWord(rest)
	switch verb {
	case "advance":
		b.Advance(at)
		return nil, nil
	case "observe":
		o, err := parseObservation(at, rest)
		if err != nil {
			return nil, err
		}
		return b.Observe(at, o), nil
	}
	target, text := cutWord(rest)
	parts := strings.Split(target, "/")
	if len(parts) != 4 {
		return nil, fmt.Errorf("%q: want kind/version/command/contract", target)
	}
	body, err := parseBody(text)
	if err != nil {
		return nil, err
	}
	sender := domain.PartyID(verb)
	if sender == "-" {
		sender = ""
	}
	return b.Send(at, sender, domain.Kind(parts[0]+"/"+parts[1]), parts[3], parts[2], body), nil
}

func parseObservation(at domain.Millis, rest string) (domain.Observation, error) {
	words := strings.SplitN(rest, " ", 7)
	if len(words) != 7 {
		return domain.Observation{}, errors.New("want: observe holder kind/version/subject key epoch sequence flight|readings JSON")
	}
	target := strings.SplitN(words[1], "/", 3)
	epoch, err1 := strconv.ParseUint(words[3], 10, 64)
	sequence, err2 := strconv.ParseUint(words[4], 10, 64)
	body, err3 := parseBody(words[6])
	if err := errors.Join(err1, err2, err3); err != nil || len(target) != 3 {
		return domain.Observation{}, fmt.Errorf("observation of %q: %v", words[1], err)
	}
	o := domain.Observation{
		Kind: domain.Kind(target[0] + "/" + target[1]), Subject: target[2], Holder: words[0],
		KeyID: words[2], Epoch: epoch, Sequence: sequence, ObservedAt: at,
	}
	switch words[5] {
	case "flight":
		return o, canon.DecodeJSON(body, &o.Flight)
	case "readings":
		return o, canon.DecodeJSON(body, &o.Readings)
	}
	return o, fmt.Errorf("%q: want flight or readings", words[5])
}

var quotedInstant = regexp.MustCompile(`"@[^"]*"`)

// parseBody replaces every JSON string "@2015-01-01T10:00:00Z" by its milliseconds.
func parseBody(text string) (json.RawMessage, error) {
	var bad error
	text = quotedInstant.ReplaceAllStringFunc(text, func(quoted string) string {
		at, err := parseInstant(strings.Trim(quoted, `"@`))
		bad = errors.Join(bad, err)
		return strconv.FormatInt(int64(at), 10)
	})
	if text == "" {
		text = "{}"
	}
	if bad == nil && !json.Valid([]byte(text)) {
		bad = fmt.Errorf("not JSON: %s", text)
	}
	return json.RawMessage(text), bad
}

// parseInstant reads RFC 3339 in UTC with at most milliseconds.
func parseInstant(text string) (domain.Millis, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, err
	}
	m := domain.Millis(t.UnixMilli())
	if !strings.HasSuffix(text, "Z") || t.Nanosecond()%1_000_000 != 0 {
		return 0, fmt.Errorf("instant %q: want UTC (Z) in whole milliseconds", text)
	}
	return m, nil
}

func cutWord(text string) (word, rest string) {
	word, rest, _ = strings.Cut(strings.TrimSpace(text), " ")
	return word, strings.TrimSpace(rest)
}
