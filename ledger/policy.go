package ledger

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// Limits of a policy. C2SP asks for at least 32 witnesses and 32 groups.
const (
	MaxPolicyBytes     = 64 << 10
	MaxPolicyWitnesses = 64
	MaxPolicyGroups    = 64
)

// Policy says whom a verifier trusts: a log's key, and the quorum of witnesses whose
// cosignatures a checkpoint needs. It is read from the C2SP tlog-policy format. The zero
// Policy trusts nobody.
type Policy struct {
	log       note.Verifier
	witnesses []Witness
	groups    map[string]group
	// quorum names a witness or a group; empty asks for no cosignature.
	quorum string
}

// Witness is one witness that a policy names.
type Witness struct {
	// Name stands for it within the policy. URL is its submission prefix, empty if the policy gives none.
	Name, URL string
	// Verifier checks its cosignatures.
	Verifier note.Verifier
}

// group witnesses a checkpoint when at least threshold of its members do.
type group struct {
	threshold int
	members   []string
}

// ParsePolicy reads a tlog-policy with exactly one log and one quorum line. "quorum none"
// asks for no cosignature; a file without the line is refused, so that a slip of the pen
// does not mean trust. Comments have lines of their own, as C2SP has it.
func ParsePolicy(text []byte) (Policy, error) {
	if len(text) > MaxPolicyBytes {
		return Policy{}, fmt.Errorf("policy of %d bytes, limit %d", len(text), MaxPolicyBytes)
	}
	r := policyReader{policy: Policy{groups: map[string]group{}}, keys: map[string]bool{}, member: map[string]bool{}}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if err := r.line(strings.TrimSuffix(string(line), "\n")); err != nil {
			return Policy{}, fmt.Errorf("policy line %d: %w", number, err)
		}
	}
	if r.policy.log == nil || !r.quorate {
		return Policy{}, errors.New("policy: want one log and one quorum line")
	}
	return r.policy, nil
}

// policyReader holds what the lines so far have said.
type policyReader struct {
	policy  Policy
	quorate bool
	// keys are the public keys of the witnesses, member the names that are in a group.
	keys, member map[string]bool
}

func (r *policyReader) line(text string) error {
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return errors.New("control characters other than tab are not allowed")
	}
	fields := strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == '\t' })
	if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
		return nil
	}
	switch rest := fields[1:]; fields[0] {
	case "log":
		return r.trust(rest)
	case "witness":
		return r.witness(rest)
	case "group":
		return r.group(rest)
	case "quorum":
		return r.quorum(rest)
	}
	return fmt.Errorf("keyword %.20q: want log, witness, group or quorum", fields[0])
}

// trust reads a log line: the key, then perhaps a URL.
func (r *policyReader) trust(fields []string) error {
	if r.policy.log != nil || len(fields) < 1 || len(fields) > 2 {
		return errors.New("want exactly one log line, with a key and at most a URL")
	}
	verifier, err := note.NewVerifier(fields[0])
	if err != nil {
		return fmt.Errorf("log key: %w", err)
	}
	r.policy.log = verifier
	return nil
}

func (r *policyReader) witness(fields []string) error {
	if len(fields) < 2 || len(fields) > 3 {
		return errors.New("want witness NAME KEY and at most a URL")
	}
	if len(r.policy.witnesses) == MaxPolicyWitnesses {
		return fmt.Errorf("more than %d witnesses", MaxPolicyWitnesses)
	}
	if err := r.free(fields[0]); err != nil {
		return err
	}
	verifier, public, err := parseWitnessKey(fields[1])
	if err != nil {
		return fmt.Errorf("witness %.40q: %w", fields[0], err)
	}
	if r.keys[public] {
		return fmt.Errorf("witness %.40q: another witness has the same key", fields[0])
	}
	r.keys[public] = true
	w := Witness{Name: fields[0], Verifier: verifier}
	if len(fields) == 3 {
		w.URL = fields[2]
	}
	r.policy.witnesses = append(r.policy.witnesses, w)
	return nil
}

// parseWitnessKey reads a vkey of a cosignature type, and gives the public key in it too: two
// witnesses are the same if they have one key, whatever they are called.
func parseWitnessKey(vkey string) (note.Verifier, string, error) {
	verifier, err := cosignature.NewVerifierForCosignatureV1(vkey)
	if err != nil {
		return nil, "", err
	}
	rest := vkey[len(verifier.Name())+1:]
	hash, key, _ := strings.Cut(rest, "+")
	typed, err := base64.StdEncoding.Strict().DecodeString(key)
	// The library also takes a plain Ed25519 key, whose hash is that of another type.
	if err != nil || hash != fmt.Sprintf("%08x", verifier.KeyHash()) {
		return nil, "", errors.New("the key is not that of a cosigner, or its hash is another")
	}
	return verifier, string(typed[1:]), nil
}

func (r *policyReader) group(fields []string) error {
	if len(fields) < 3 {
		return errors.New("want group, a name, a threshold and at least one member")
	}
	if len(r.policy.groups) == MaxPolicyGroups {
		return fmt.Errorf("more than %d groups", MaxPolicyGroups)
	}
	name, g := fields[0], group{members: fields[2:]}
	if err := r.free(name); err != nil {
		return err
	}
	for _, member := range g.members {
		if !r.policy.defines(member) || r.member[member] {
			return fmt.Errorf("group %.40q: member %.40q is not defined above, or is in a group already", name, member)
		}
		r.member[member] = true
	}
	var err error
	if g.threshold, err = parseThreshold(fields[1], len(g.members)); err != nil {
		return fmt.Errorf("group %.40q: %w", name, err)
	}
	r.policy.groups[name] = g
	return nil
}

func parseThreshold(text string, members int) (int, error) {
	switch text {
	case "any":
		return 1, nil
	case "all":
		return members, nil
	}
	k, err := strconv.Atoi(text)
	if err != nil || k < 1 || k > members || strconv.Itoa(k) != text {
		return 0, fmt.Errorf("threshold %.20q: want any, all, or 1 to %d", text, members)
	}
	return k, nil
}

func (r *policyReader) quorum(fields []string) error {
	if r.quorate || len(fields) != 1 {
		return errors.New("want exactly one quorum line, with one name")
	}
	r.quorate = true
	if fields[0] == "none" {
		return nil
	}
	if !r.policy.defines(fields[0]) {
		return fmt.Errorf("quorum %.40q is not defined above", fields[0])
	}
	r.policy.quorum = fields[0]
	return nil
}

// free refuses a name that is taken, and those that other readers of the format take for words of theirs.
func (r *policyReader) free(name string) error {
	if slices.Contains([]string{"none", "any", "all", "log", "witness", "group", "quorum"}, name) || r.policy.defines(name) {
		return fmt.Errorf("name %.40q is taken", name)
	}
	return nil
}

func (p Policy) defines(name string) bool {
	_, found := p.groups[name]
	return found || slices.ContainsFunc(p.witnesses, func(w Witness) bool { return w.Name == name })
}

// Origin is the name of the log that the policy trusts.
func (p Policy) Origin() string { return p.log.Name() }

// Log verifies what the log's key signed.
func (p Policy) Log() note.Verifier { return p.log }

// Witnesses are those that the policy names, in its order.
func (p Policy) Witnesses() []Witness { return slices.Clone(p.witnesses) }

// LogOnly is the policy that trusts the log's key alone, and asks for no cosignature.
func (p Policy) LogOnly() Policy { return Policy{log: p.log} }

// AsksWitnesses says whether a checkpoint needs cosignatures.
func (p Policy) AsksWitnesses() bool { return p.quorum != "" }

// Satisfied says whether the witnesses of these names are a quorum.
func (p Policy) Satisfied(names map[string]bool) bool {
	return p.quorum == "" || p.satisfied(p.quorum, names)
}

// satisfied ends: a group has only members that were defined before it.
func (p Policy) satisfied(name string, names map[string]bool) bool {
	g, ok := p.groups[name]
	if !ok {
		return names[name]
	}
	count := 0
	for _, member := range g.members {
		if p.satisfied(member, names) {
			count++
		}
	}
	return count >= g.threshold
}
