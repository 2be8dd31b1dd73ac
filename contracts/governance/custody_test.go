package governance_test

import (
	"bytes"
	"testing"

	"aval/contracts/governance"
	"aval/domain"
)

func recoveryMember(party string, size int) object {
	return object{"party": party, "key": bytes.Repeat([]byte{1}, size)}
}

// TestEpochsAndSharesAreGoverned: numbers go up by one, waits have bounds, and nobody is named to whom no share can be sealed.
func TestEpochsAndSharesAreGoverned(t *testing.T) {
	const size = 1216
	for name, c := range map[string]struct {
		sender, contract, verb string
		body                   object
		code                   domain.Code
	}{
		"next epoch":           {"founder", "epoch", "beginEpoch", object{"number": 2}, ""},
		"the present epoch":    {"founder", "epoch", "beginEpoch", object{"number": 1}, domain.WrongState},
		"an epoch left out":    {"founder", "epoch", "beginEpoch", object{"number": 3}, domain.WrongState},
		"epoch by a stranger":  {"acme", "epoch", "beginEpoch", object{"number": 2}, domain.NotPermitted},
		"epoch elsewhere":      {"founder", "era", "beginEpoch", object{"number": 2}, domain.Malformed},
		"two of two":           {"founder", "recovery", "setRecovery", object{"threshold": 2, "members": []object{recoveryMember("founder", size), recoveryMember("acme", size)}}, ""},
		"nobody":               {"founder", "recovery", "setRecovery", object{"threshold": 1, "members": []object{}}, domain.InvalidTerms},
		"more than all":        {"founder", "recovery", "setRecovery", object{"threshold": 2, "members": []object{recoveryMember("acme", size)}}, domain.InvalidTerms},
		"none needed":          {"founder", "recovery", "setRecovery", object{"threshold": 0, "members": []object{recoveryMember("acme", size)}}, domain.InvalidTerms},
		"a stranger":           {"founder", "recovery", "setRecovery", object{"threshold": 1, "members": []object{recoveryMember("zoe", size)}}, domain.NotFound},
		"a key cut short":      {"founder", "recovery", "setRecovery", object{"threshold": 1, "members": []object{recoveryMember("acme", size-1)}}, domain.Malformed},
		"one twice":            {"founder", "recovery", "setRecovery", object{"threshold": 1, "members": []object{recoveryMember("acme", size), recoveryMember("acme", size)}}, domain.Malformed},
		"shares by a stranger": {"acme", "recovery", "setRecovery", object{"threshold": 1, "members": []object{recoveryMember("acme", size)}}, domain.NotPermitted},
		"an hour to wait":      {"founder", "limits", "setLimits", object{"payToHours": 1}, ""},
		"a month to wait":      {"founder", "limits", "setLimits", object{"payToHours": governance.MaxPayToHours}, ""},
		"longer to wait":       {"founder", "limits", "setLimits", object{"payToHours": governance.MaxPayToHours + 1}, domain.LimitExceeded},
		"no time to wait":      {"founder", "limits", "setLimits", object{"payToHours": -1}, domain.LimitExceeded},
		"too many":             {"founder", "recovery", "setRecovery", object{"threshold": 1, "members": make([]object, governance.MaxRecoveryMembers+1)}, domain.LimitExceeded},
	} {
		b := begun(t)
		if err := send(b, domain.PartyID(c.sender), c.contract, c.verb, c.body); code(err) != c.code {
			t.Errorf("%s: got %v, want %q", name, err, c.code)
		}
	}
}
