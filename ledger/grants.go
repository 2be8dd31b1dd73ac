package ledger

import (
	"slices"
	"strings"

	"aval/domain"
)

// granted says whether a grant that is in force as of the last batch lets the viewer see what
// covers names. A party that is not registered is granted nothing.
func (p *published) granted(viewer domain.PartyID, covers func(domain.Grant) bool) (found bool) {
	if !p.reads(viewer) {
		return false
	}
	grants := recordName(domain.GovernanceKind, "grant/"+string(viewer)+"/")
	p.state.scan(strings.TrimSuffix(grants, " "), "", func(s *slot) bool {
		g, ok := s.registered.(domain.Grant)
		found = ok && g.Viewer == viewer && g.ActiveAt(p.head.Now) && covers(g)
		return !found
	})
	return found
}

// reads says whether a party is registered and may use what it was granted: not while it is
// frozen, never once it was erased.
func (p *published) reads(viewer domain.PartyID) bool {
	party, ok := registry{p.state}.Party(viewer)
	return ok && party.Frozen == 0 && party.Erased == 0
}

// everything says whether the viewer is an auditor whom governance granted all there is.
func (p *published) everything(viewer domain.PartyID) bool {
	party, _ := registry{p.state}.Party(viewer)
	return slices.Contains(party.Roles, domain.RoleAuditor) &&
		p.granted(viewer, func(g domain.Grant) bool { return g.Scope == domain.ScopeAll })
}

// sight is what a viewer sees beyond what names it, as of one batch.
type sight struct {
	viewer domain.PartyID
	// all is everything there is, roster the parties that are registered.
	all, roster bool
}

func (p *published) sight(viewer domain.PartyID) sight {
	return sight{viewer, p.everything(viewer), p.granted(viewer, func(g domain.Grant) bool { return g.Scope == domain.ScopeParties })}
}

// list is the name under which the records of a kind are filed that the viewer may see.
func (v sight) list(kind domain.Kind) string {
	if v.all || v.roster && kind == domain.GovernanceKind {
		return memberName("", kind)
	}
	return memberName(v.viewer, kind)
}

// sees says through whose eyes the viewer sees a record: its own, or with "" those of nobody
// in particular, who sees all fields.
func (v sight) sees(s *slot) (eyes domain.PartyID, ok bool) {
	switch {
	case s == nil || v.viewer == "":
		return "", false
	case v.all, v.roster && registration(s.Kind, s.Key):
		return "", true
	}
	return v.viewer, slices.Contains(s.Parties, v.viewer)
}

// registration says whether a record registers a party.
func registration(kind domain.Kind, key string) bool {
	return kind == domain.GovernanceKind && strings.HasPrefix(key, "party/")
}

// As says whether a viewer may read as a party does: everything of it, or the one record or
// account that target names. Nil for the party itself. NotFound otherwise, which reads the
// same whether or not there is such a party; it is judged without looking at either's data.
func (e *Engine) As(viewer, party domain.PartyID, target string) error {
	now := e.published.Load()
	if viewer != "" && viewer == party {
		return nil
	}
	covers := func(g domain.Grant) bool {
		return g.Covers(party, target) && (g.Scope != domain.ScopeAll || now.everything(viewer))
	}
	if party == "" || !now.granted(viewer, covers) {
		return errNotFound()
	}
	return nil
}

// Audits says whether the viewer reads everything there is, as of the last batch, without naming a party.
func (e *Engine) Audits(viewer domain.PartyID) bool { return e.published.Load().everything(viewer) }

// Limits is what one party may ask of a node in a minute, as of the last batch.
func (e *Engine) Limits() domain.Limits {
	limits, _ := lookup[domain.Limits](registry{e.published.Load().state}, "limits/current")
	return limits
}
