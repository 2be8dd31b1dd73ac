package domain

import (
	"fmt"
	"strconv"
)

// Limits of one Access.
const (
	// MaxReadOf bounds the parties whose rows one Access tells of; who reads more of them makes several.
	MaxReadOf = 900
	// maxReadRoute and maxReadTarget bound the texts in bytes.
	maxReadRoute  = 64
	maxReadTarget = 256
)

// Access is what a node says of one read under a grant: who read through whose eyes, where and how
// much, and nothing of what.
type Access struct {
	// ID tells one reading from every other; Part counts those of one answer, from zero.
	ID   string `json:"id"`
	Part int    `json:"part,omitempty"`
	// Viewer is who read. Grant, Granter and Scope are those of the grant, As the party in whose place he
	// read; empty if that was nobody's.
	Viewer  PartyID `json:"viewer"`
	Grant   string  `json:"grant"`
	Granter PartyID `json:"granter"`
	Scope   string  `json:"scope"`
	As      PartyID `json:"as,omitempty"`
	// Route is the pattern of the path, Target the record, account or index that was asked for; empty for a list.
	Route  string `json:"route"`
	Target string `json:"target,omitempty"`
	// Rows is how many things were shown: records, entries, accounts or lines.
	Rows int `json:"rows"`
	// Of says whose they were, in order of party. A row may be several parties'.
	Of []RowsOf `json:"of,omitempty"`
}

// RowsOf is how many rows of a reading were a party's.
type RowsOf struct {
	Party PartyID `json:"party"`
	Rows  int     `json:"rows"`
}

// Check refuses what no node says.
func (r Access) Check() error {
	if err := CheckID("id", r.ID); err != nil {
		return err
	}
	if err := r.Viewer.Check(); err != nil {
		return err
	}
	if r.Part < 0 || r.Rows < 0 || r.Route == "" || len(r.Route) > maxReadRoute || len(r.Target) > maxReadTarget {
		return Refuse(Malformed, "access: part and rows from 0, a route of at most %d bytes, a target of at most %d", maxReadRoute, maxReadTarget)
	}
	if len(r.Of) > MaxReadOf {
		return Refuse(LimitExceeded, "of: %d parties, limit %d", len(r.Of), MaxReadOf)
	}
	for i, o := range r.Of {
		if err := o.Party.Check(); err != nil {
			return fmt.Errorf("of[%d]: %w", i, err)
		}
		if i > 0 && o.Party <= r.Of[i-1].Party || o.Rows < 1 {
			return Refuse(Malformed, "of[%d]: want parties in order, each once, with rows", i)
		}
	}
	return nil
}

// Identity is the ID, with the number of the part after the first.
func (r Access) Identity() string {
	if r.Part == 0 {
		return r.ID
	}
	return r.ID + "-" + strconv.Itoa(r.Part)
}

// Governed says whether governance gave the grant, so that its members hear of the reading.
func (r Access) Governed() bool { return Grant{Scope: r.Scope}.Governed() }

// ReadsKey is the record of the accesses that concern a party.
func ReadsKey(p PartyID) string { return "reads/" + string(p) }

// ReadsRecord is the public name of that record.
func ReadsRecord(p PartyID) RecordID { return NewRecordID(GovernanceKind, ReadsKey(p)) }

// Reads is the record at ReadsKey.
type Reads struct {
	// Count is how many accesses concern the party, its own included; Last is the batch time of the last.
	Count int64  `json:"count"`
	Last  Millis `json:"last"`
}

// WasRead is the event that tells a party of one reading: Rows are those of the party, or all of them to
// who read. As and Target are kept from members that it does not concern otherwise.
type WasRead struct {
	ID      string  `json:"id"`
	Viewer  PartyID `json:"viewer"`
	Grant   string  `json:"grant"`
	Granter PartyID `json:"granter"`
	Scope   string  `json:"scope"`
	As      PartyID `json:"as,omitempty"`
	Route   string  `json:"route"`
	Target  string  `json:"target,omitempty"`
	Rows    int     `json:"rows"`
}

// Accessed is the name of the command to governance in which a node states an Access.
const Accessed = "Accessed"

// ReadEvent is the name of a WasRead.
const ReadEvent = "read"

// Effects tells everybody whom the reading concerns: who read, whose rows they were, who granted it, and
// the members if governance did. Each has a record that counts, so that its accesses are found.
func (r Access) Effects(v View, now Millis, members []PartyID) (fx Effects, err error) {
	told := map[PartyID]bool{}
	tell := func(p PartyID, e WasRead) {
		if err == nil && !told[p] {
			told[p] = true
			err = fx.tellOf(v, now, p, e)
		}
	}
	e := WasRead{ID: r.ID, Viewer: r.Viewer, Grant: r.Grant, Granter: r.Granter, Scope: r.Scope, As: r.As, Route: r.Route, Target: r.Target, Rows: r.Rows}
	if r.Part == 0 {
		tell(r.Viewer, e)
	}
	for _, o := range r.Of {
		own := e
		own.Rows = o.Rows
		tell(o.Party, own)
	}
	if r.Part > 0 {
		return fx, err
	}
	if !r.Governed() {
		tell(r.Granter, e)
		return fx, err
	}
	e.As, e.Target = "", ""
	for _, m := range members {
		tell(m, e)
	}
	return fx, err
}

func (fx *Effects) tellOf(v View, now Millis, p PartyID, e WasRead) error {
	key := ReadsKey(p)
	reads, _, err := Load[Reads](v, key)
	if err != nil {
		return err
	}
	w, err := Put(key, Reads{Count: reads.Count + 1, Last: now}, "active", p)
	if err != nil {
		return err
	}
	event, err := NewEvent(ReadEvent, key, e, p)
	fx.Writes, fx.Events = append(fx.Writes, w), append(fx.Events, event)
	return err
}
