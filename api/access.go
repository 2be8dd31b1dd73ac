package api

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"aval/domain"
	"aval/ledger"
)

// maxRereads bounds how often an answer is made again because what its reader may see changed meanwhile.
const maxRereads = 3

// errRightChanged says that what the reader may see changed while the answer was made: nobody knows
// under which right it was, so it is made again.
var errRightChanged = errors.New("what the reader may see changed")

// whoseRows says whose each thing is that an answer shows.
type whoseRows [][]domain.PartyID

func rowsOf[T any](list []T, parties func(T) []domain.PartyID) whoseRows {
	all := make(whoseRows, 0, len(list))
	for _, of := range list {
		all = append(all, parties(of))
	}
	return all
}

// gate lets nothing of an answer out before it was recorded who gets it.
type gate struct {
	http.ResponseWriter
	open bool
}

// Unwrap is for http.ResponseController.
func (g *gate) Unwrap() http.ResponseWriter { return g.ResponseWriter }

// WriteHeader says that the request failed, while the gate is closed.
func (g *gate) WriteHeader(status int) {
	if !g.open {
		status = http.StatusInternalServerError
	}
	g.ResponseWriter.WriteHeader(status)
}

// Write fails while the gate is closed: a route that forgot to record is a bug.
func (g *gate) Write(b []byte) (int, error) {
	if !g.open {
		return 0, errors.New("the answer was not recorded")
	}
	return g.ResponseWriter.Write(b)
}

// guarded runs a route that can be read under a grant: the right first, then the answer, again while the right changes.
func (s *Server) guarded(c call, r route) error {
	behind := c.Response().Writer
	g := &gate{ResponseWriter: behind}
	c.gate, c.Response().Writer, c.told = g, g, new(int)
	if r.target != nil {
		c.target = r.target(c)
	}
	defer func() { c.Response().Writer = behind }()
	for range maxRereads {
		var err error
		if c.eyes, c.right, err = s.as(c); err != nil {
			return err
		}
		if err = r.handle(c); !errors.Is(err, errRightChanged) {
			return err
		}
	}
	return ledger.ErrBusy
}

// record lets an answer out. If it is given under a grant, that is in the log first: who read, by which
// grant, through which route, how many rows and whose. What cannot be recorded is not answered.
func (s *Server) record(c call, shown whoseRows) error {
	now, err := s.ledger.As(c.viewer.party, c.eyes, c.target)
	if err != nil {
		return read(err)
	}
	if now.Changed != c.right.Changed {
		return errRightChanged
	}
	if shown, granted := c.granted(shown); granted {
		if err := s.tell(c, shown); err != nil {
			return err
		}
	}
	c.gate.open = true
	return nil
}

// granted gives the rows that are shown by the grant alone, and says whether it shows anything. A
// grant of the parties shows their registrations, beside what is the viewer's own.
func (c call) granted(shown whoseRows) (whoseRows, bool) {
	if c.right.Grant.Scope != domain.ScopeParties {
		return shown, c.right.Grant.ID != ""
	}
	shown = slices.DeleteFunc(shown, func(of []domain.PartyID) bool { return len(of) == 0 || slices.Contains(of, c.viewer.party) })
	return shown, len(shown) > 0
}

// tell has the reading recorded, in as many parts as its parties need.
func (s *Server) tell(c call, shown whoseRows) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), s.limits.wait)
	defer cancel()
	g, all := c.right.Grant, c.whose(shown)
	*c.told++
	a := domain.Access{
		ID: c.Response().Header().Get(requestID) + "." + strconv.Itoa(*c.told), Viewer: c.viewer.party, Grant: g.ID, Granter: g.Granter, Scope: g.Scope,
		Route: pattern(c.Path()), Target: cmp.Or(c.target, pathParam(c, "index")), Rows: len(shown),
	}
	if c.eyes != c.viewer.party {
		a.As = c.eyes
	}
	for a.Of = range slices.Chunk(all, domain.MaxReadOf) {
		if err := s.tellPart(ctx, a); err != nil {
			return err
		}
		a.Part++
	}
	if len(all) == 0 {
		return s.tellPart(ctx, a)
	}
	return nil
}

func (s *Server) tellPart(ctx context.Context, a domain.Access) error {
	err := s.ledger.RecordAccess(ctx, a)
	if errors.Is(err, context.DeadlineExceeded) {
		return newProblem(unavailable, "")
	}
	return err
}

// whose counts the rows of each party but the viewer: of the one in whose place he reads, or of all whom they name.
func (c call) whose(shown whoseRows) []domain.RowsOf {
	count := map[domain.PartyID]int{}
	for _, of := range shown {
		if c.eyes != c.viewer.party {
			of = []domain.PartyID{c.eyes}
		}
		for _, p := range of {
			if p != c.viewer.party && p != "" {
				count[p]++
			}
		}
	}
	var all []domain.RowsOf
	for _, p := range slices.Sorted(maps.Keys(count)) {
		all = append(all, domain.RowsOf{Party: p, Rows: count[p]})
	}
	return all
}

// holders are whose an account is: its owner's, or the parties' to the record whose escrow it is.
func (s *Server) holders(c call, account domain.AccountID) []domain.PartyID {
	if owner := account.Owner(); owner != "" || c.right.Grant.ID == "" {
		return []domain.PartyID{owner}
	}
	name, _ := strings.CutPrefix(string(account), string(domain.ClassEscrow)+"/")
	record, err := s.ledger.Record(c.eyes, domain.RecordID(strings.ReplaceAll(name, "/", ":")))
	if err != nil {
		return nil // of a record that is gone from the ledger's own view nobody is left to tell
	}
	return record.Parties
}

// pattern is a path as openapi.json writes it.
func pattern(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}
