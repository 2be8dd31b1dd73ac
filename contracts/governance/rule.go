package governance

import (
	"fmt"
	"sync/atomic"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/types"

	"aval/domain"
)

const (
	// MaxRule bounds the bytes of a constitution's rule.
	MaxRule = 1024
	// maxRuleCost bounds one evaluation, in CEL's units. Without loops a rule of MaxRule bytes stays far below.
	maxRuleCost = 10_000
	// maxRuleDepth bounds the nesting of a rule.
	maxRuleDepth = 32
)

// DefaultRule is the rule that a ledger begins with: more than two thirds of the members, and
// not two vetoes; any two to freeze a party.
const DefaultRule = `kinds == ["freeze"] ? yes >= (members < 2 ? 1 : 2) : veto < 2 && 3 * yes > 2 * members`

// Tally is what a rule sees, counted from the ballots of the members of the moment.
type Tally struct {
	// Members is how many have a say, Yes, No and Veto how many of them said so.
	Members int `json:"members"`
	Yes     int `json:"yes"`
	No      int `json:"no"`
	Veto    int `json:"veto"`
	// Kinds are the names of the proposed commands, in order, each once.
	Kinds []string `json:"kinds"`
	// Open says whether members may still vote. At the end of its time a proposal is counted once more.
	Open bool `json:"open"`
}

// operators are all that a rule may use: no loops, no time, no text matching, nothing that costs.
var operators = []string{
	"_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_+_", "_-_", "_*_", "_/_", "_%_", "-_", "@in",
}

// rules compiles rules and remembers the last one, which changes seldom. Safe for concurrent use.
type rules struct{ last atomic.Pointer[rule] }

type rule struct {
	text    string
	program cel.Program
}

// compile refuses a text that is no rule.
func (r *rules) compile(text string) (*rule, error) {
	if last := r.last.Load(); last != nil && last.text == text {
		return last, nil
	}
	if len(text) > MaxRule {
		return nil, domain.Refuse(domain.LimitExceeded, "rule: %d bytes, limit %d", len(text), MaxRule)
	}
	environment, err := newEnvironment()
	if err != nil {
		return nil, fmt.Errorf("make environment of rules: %w", err)
	}
	checked, issues := environment.Compile(text)
	if issues != nil && issues.Err() != nil {
		return nil, domain.Refuse(domain.InvalidTerms, "rule: %.300s", issues.Err())
	}
	if checked.OutputType() != cel.BoolType {
		return nil, domain.Refuse(domain.InvalidTerms, "rule: gives %s, want bool", checked.OutputType())
	}
	if err := checkLiterals(ast.NavigateAST(checked.NativeRep())); err != nil {
		return nil, err
	}
	program, err := environment.Program(checked, cel.CostLimit(maxRuleCost))
	if err != nil {
		return nil, domain.Refuse(domain.InvalidTerms, "rule: %.300s", err)
	}
	made := &rule{text, program}
	r.last.Store(made)
	return made, nil
}

func newEnvironment() (*cel.Env, error) {
	subset := env.NewLibrarySubset().SetDisableMacros(true)
	for _, name := range operators {
		subset.AddIncludedFunctions(env.NewFunction(name))
	}
	std := cel.StdLib(cel.StdLibSubset(subset))
	return cel.NewCustomEnv(std, cel.ParserRecursionLimit(maxRuleDepth), cel.ParserExpressionSizeLimit(MaxRule),
		cel.Variable("members", cel.IntType), cel.Variable("yes", cel.IntType), cel.Variable("no", cel.IntType),
		cel.Variable("veto", cel.IntType), cel.Variable("kinds", cel.ListType(cel.StringType)), cel.Variable("open", cel.BoolType))
}

// checkLiterals refuses numbers that are not whole: two machines might round them differently.
func checkLiterals(e ast.NavigableExpr) error {
	if e.Kind() == ast.LiteralKind {
		switch e.AsLiteral().Type() {
		case types.IntType, types.BoolType, types.StringType:
		default:
			return domain.Refuse(domain.InvalidTerms, "rule: has a literal of type %s, want int, bool or string", e.AsLiteral().Type())
		}
	}
	for _, child := range e.Children() {
		if err := checkLiterals(child); err != nil {
			return err
		}
	}
	return nil
}

// passes evaluates the rule. A tally that the rule cannot judge, since it divides by zero, does not pass.
func (r *rule) passes(t Tally) (bool, error) {
	out, _, err := r.program.Eval(map[string]any{
		"members": t.Members, "yes": t.Yes, "no": t.No, "veto": t.Veto, "kinds": t.Kinds, "open": t.Open,
	})
	if err != nil {
		return false, err
	}
	return out == types.True, nil
}
