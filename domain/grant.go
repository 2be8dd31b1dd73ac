package domain

import "strings"

// The scopes that only governance grants.
const (
	// ScopeAll shows a party with role auditor everything.
	ScopeAll = "all"
	// ScopeParties shows which parties are registered, and nothing that they do.
	ScopeParties = "parties"
)

// PartyScope is everything that a party sees.
func PartyScope(p PartyID) string { return "party:" + string(p) }

// Covers says whether the grant lets its viewer read as a party does: everything of it, or
// the one record or account that target names.
func (g Grant) Covers(party PartyID, target string) bool {
	switch g.Scope {
	case ScopeAll, PartyScope(party):
		return true
	case ScopeParties:
		return false
	}
	return g.Granter == party && g.Scope == target
}

// Governed says whether only governance may give the scope.
func (g Grant) Governed() bool { return g.Scope == ScopeAll || g.Scope == ScopeParties }

// Check refuses a grant of a scope that is not the granter's to give, by name alone: whether
// the granter is party to the record is judged again at each read.
func (g Grant) Check() error {
	if err := CheckID("grant", g.ID); err != nil {
		return err
	}
	if err := g.Viewer.Check(); err != nil {
		return err
	}
	if g.Until != 0 && g.Until <= g.Since {
		return Refuse(Malformed, "until: want an instant after now, or none")
	}
	if g.Governed() || g.Scope == PartyScope(g.Granter) {
		return nil
	}
	if account := AccountID(g.Scope); strings.Contains(g.Scope, "/") {
		if account.Check() != nil || account.Owner() != g.Granter {
			return Refuse(Malformed, "scope: want all, parties, party:%s, or a record or account of yours", g.Granter)
		}
		return nil
	}
	if kind, key, err := RecordID(g.Scope).Split(); err != nil || NewRecordID(kind, key) != RecordID(g.Scope) {
		return Refuse(Malformed, "scope: want all, parties, party:%s, or a record or account of yours", g.Granter)
	}
	return nil
}
