package ledger

import (
	"slices"
	"strings"
	"sync"

	"aval/domain"
)

// grantKeys begins the keys of grants, which go on with the viewer.
const grantKeys = "grant/"

// granted gives a grant that is in force as of the last batch and lets the viewer see what
// covers names. A party that is not registered is granted nothing.
func (p *published) granted(viewer domain.PartyID, covers func(domain.Grant) bool) (by domain.Grant, found bool) {
	if !p.reads(viewer) {
		return by, false
	}
	grants := recordName(domain.GovernanceKind, grantKeys+string(viewer)+"/")
	p.state.scan(strings.TrimSuffix(grants, " "), "", func(s *slot) bool {
		by, found = s.registered.(domain.Grant)
		found = found && by.Viewer == viewer && by.ActiveAt(p.head.Now) && covers(by)
		return !found
	})
	if !found {
		by = domain.Grant{}
	}
	return by, found
}

// reads says whether a party is registered and may use what it was granted: not while it is
// frozen, never once it was erased.
func (p *published) reads(viewer domain.PartyID) bool {
	party, ok := registry{p.state}.Party(viewer)
	return ok && party.Frozen == 0 && party.Erased == 0
}

// everything gives the grant by which the viewer is an auditor whom governance shows all there is.
func (p *published) everything(viewer domain.PartyID) (domain.Grant, bool) {
	party, _ := registry{p.state}.Party(viewer)
	if !slices.Contains(party.Roles, domain.RoleAuditor) {
		return domain.Grant{}, false
	}
	return p.granted(viewer, func(g domain.Grant) bool { return g.Scope == domain.ScopeAll })
}

// roster gives the grant by which the viewer sees who is registered.
func (p *published) roster(viewer domain.PartyID) (domain.Grant, bool) {
	return p.granted(viewer, func(g domain.Grant) bool { return g.Scope == domain.ScopeParties })
}

// sight is what a viewer sees beyond what names it, as of one batch.
type sight struct {
	viewer domain.PartyID
	// all is everything there is, roster the parties that are registered.
	all, roster bool
}

func (p *published) sight(viewer domain.PartyID) sight {
	_, all := p.everything(viewer)
	_, roster := p.roster(viewer)
	return sight{viewer, all, roster}
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

// Right is what lets a viewer read, as of one moment.
type Right struct {
	// Grant is that by which he sees more than what names him; none if he reads what is his own.
	Grant domain.Grant
	// Changed is the sequence of the last batch in which something about his grants or his registration was
	// written while this engine ran. While it stands, so does the right.
	Changed uint64
}

// As gives the right by which a viewer may read as a party does: everything of it, or the one record or
// account that target names. NotFound otherwise, which reads the same whether or not there is such
// a party; it is judged without looking at either's data. As himself he reads under the grant of governance that he holds, if he does.
func (e *Engine) As(viewer, party domain.PartyID, target string) (Right, error) {
	r := Right{Changed: e.rights.last(viewer)} // before the state, so that it is not newer
	now := e.published.Load()
	if viewer != "" && viewer == party {
		var all bool
		if r.Grant, all = now.everything(viewer); !all {
			r.Grant, _ = now.roster(viewer)
		}
		return r, nil
	}
	_, all := now.everything(viewer)
	covers := func(g domain.Grant) bool { return g.Covers(party, target) && (g.Scope != domain.ScopeAll || all) }
	var found bool
	if r.Grant, found = now.granted(viewer, covers); !found || party == "" {
		return Right{}, errNotFound()
	}
	return r, nil
}

// Audits says whether the viewer reads everything there is, as of the last batch, without naming a party.
func (e *Engine) Audits(viewer domain.PartyID) bool {
	_, all := e.published.Load().everything(viewer)
	return all
}

// rights remembers when what a party may read was changed last, as long as the engine runs. Safe for concurrent use.
type rights struct{ changed sync.Map }

func (r *rights) last(viewer domain.PartyID) uint64 {
	at, _ := r.changed.Load(viewer)
	sequence, _ := at.(uint64)
	return sequence
}

// note takes in what a batch changed, before anybody reads what it left.
func (r *rights) note(sequence uint64, changes []change) {
	for _, c := range changes {
		if c.slot.Type != recordSlot || c.slot.Kind != domain.GovernanceKind {
			continue
		}
		key, of := strings.CutPrefix(c.slot.Key, grantKeys)
		if !of {
			key, of = strings.CutPrefix(c.slot.Key, "party/")
		}
		if viewer, _, _ := strings.Cut(key, "/"); of {
			r.changed.Store(domain.PartyID(viewer), sequence)
		}
	}
}

// Limits is what one party may ask of a node in a minute, as of the last batch.
func (e *Engine) Limits() domain.Limits {
	limits, _ := lookup[domain.Limits](registry{e.published.Load().state}, "limits/current")
	return limits
}
