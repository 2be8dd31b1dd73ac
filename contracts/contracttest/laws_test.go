package contracttest

import (
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
)

// careful is pot with the checks that Laws asks for.
type careful struct{ pot }

func (c careful) Apply(v domain.View, in domain.Input) (domain.Effects, error) {
	switch in.Command.Name {
	case "put":
		var m domain.Money
		if err := in.Command.DecodeBody(&m); err != nil {
			return domain.Effects{}, err
		}
		if err := m.CheckPositive("money"); err != nil {
			return domain.Effects{}, err
		}
		if _, found := v.Get("pot/" + in.Command.Contract); found {
			return domain.Effects{}, domain.Refuse(domain.AlreadyExists, "the pot is full")
		}
	case "Empty":
		if _, found := v.Get("pot/" + in.Command.Contract); !found {
			return domain.Effects{}, domain.Refuse(domain.NotFound, "no pot")
		}
	case domain.Observe, domain.Equivocate:
		if len(in.Evidence) != 1 {
			return domain.Effects{}, domain.Refuse(domain.NotEvidence, "want one observation")
		}
	}
	return c.pot.Apply(v, in)
}

const putExample = `put/A {"minor":5,"currency":"EUR"}`

func TestLawsHoldForACarefulKind(t *testing.T) {
	Laws(t, careful{}, putExample, "Empty/A", domain.Observe, domain.Equivocate)
}

// breaks says whether some of 300 random stories end with a broken law or a panic.
func breaks(t *testing.T, c domain.Contract, names ...string) (broken bool) {
	check := property(t, c, names)
	for seed := 0; seed < 300 && !broken; seed++ {
		rapid.Custom(func(story *rapid.T) (any bool) {
			any = rapid.Bool().Draw(story, "any")
			if broken {
				return any // Custom tries again after a failure
			}
			broken = true
			check(story)
			broken = false
			return any
		}).Example(seed)
	}
	return broken
}

func TestLawsBreakOnACarelessKind(t *testing.T) {
	if breaks(t, careful{}, putExample, "Empty/A", domain.Observe, domain.Equivocate) {
		t.Fatal("a careful kind broke a law")
	}
	if !breaks(t, pot{}, putExample, "Empty/A", domain.Observe, domain.Equivocate) {
		t.Error("a kind that indexes missing evidence and posts any amount broke no law")
	}
	if !breaks(t, careful{}, putExample, "Empty/A", domain.Observe) {
		t.Error("a command that was not named passed as unknown")
	}
}

func FuzzLaws(f *testing.F) {
	Fuzz(f, careful{}, putExample, "Empty/A", domain.Observe, domain.Equivocate)
}
