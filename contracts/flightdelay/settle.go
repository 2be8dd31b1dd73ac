package flightdelay

import (
	"fmt"
	"slices"
	"strings"

	"aval/domain"
)

// SettleSlice is the number of policies settled in one command: three postings and three
// records each, within domain.MaxPostings.
const SettleSlice = 80

const (
	reviewName = "Review"
	settleName = "Settle"
)

// decision is what every policy of a book is settled by.
type decision struct {
	// Phase is landed, cancelled, diverted or void; empty while there is none.
	Phase domain.FlightPhase `json:"phase"`
	// In is the gate-in of a landed leg.
	In domain.Millis `json:"in"`
	At domain.Millis `json:"at"`
	// Families agreed; Reports are the fingerprints of what they said.
	Families []string `json:"families"`
	Reports  [][]byte `json:"reports"`
}

func (d decision) made() bool { return d.Phase != "" }

// consider decides a book if a quorum stands and nobody else need be waited for; lastCall
// says that the wait is over.
func (t *turn) consider(e *entry, lastCall bool) {
	b := &e.book
	if b.Decision.made() {
		return
	}
	v := judge(b.Reports, e.rule())
	wait := e.terms.Evidence.WaitMinutes
	switch {
	case v.phase == "":
		b.WaitUntil = 0
	case lastCall || wait == 0 || v.counted >= e.terms.Evidence.families(t.in.Registry, b.Faults):
		t.decide(e, v.phase, v.in, v.agreed)
	case b.WaitUntil == 0:
		b.WaitUntil = t.in.Now + minutes(wait)
	}
}

func (t *turn) decide(e *entry, phase domain.FlightPhase, in domain.Millis, agreed []report) {
	d := decision{Phase: phase, In: in, At: t.in.Now}
	for _, r := range agreed {
		d.Families = append(d.Families, r.Family)
		d.Reports = append(d.Reports, r.Fingerprint)
	}
	e.book.Decision, e.book.WaitUntil, e.changed = d, 0, true
	body := struct {
		Phase    domain.FlightPhase `json:"phase"`
		Minutes  int64              `json:"minutes"`
		Policies int64              `json:"policies"`
		Families []string           `json:"families"`
		Reports  [][]byte           `json:"reports"`
	}{Phase: phase, Policies: e.book.Policies, Families: d.Families, Reports: d.Reports}
	if phase == domain.FlightLanded {
		body.Minutes = delayMinutes(in, e.book.Leg.ScheduledIn)
	}
	t.event("LegDecided", e.key, body, e.book.Insurer)
}

// review is the leg's own clock: it ends waits, voids what is undecided at its deadline, and
// closes books whose correction window is over.
func (t *turn) review() error {
	entries, err := t.onLeg(t.id())
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return domain.Refuse(domain.NotFound, "leg %s has no open book", t.id())
	}
	for _, e := range entries {
		if due := e.book.due(); due == 0 || due > t.in.Now {
			continue
		}
		e.changed = true
		if e.book.Decision.made() {
			t.closeBook(e)
		} else {
			t.lastCall(e)
		}
	}
	t.commit(t.id(), entries)
	return nil
}

// lastCall decides on what there is, or voids at the void deadline. A leg that was quoted or
// listed and never bought ends this way too.
func (t *turn) lastCall(e *entry) {
	t.consider(e, true)
	if !e.book.Decision.made() && e.book.VoidAt <= t.in.Now {
		t.decide(e, void, 0, e.book.Reports)
	}
}

func (t *turn) closeBook(e *entry) {
	e.closed = true
	t.event("LegClosed", e.key, struct{}{}, e.book.Insurer)
}

// settle settles the next slice of policies of the first decided book. Policies are settled
// each by its own terms and the one decision, so neither order nor slicing changes a cent.
func (t *turn) settle() error {
	entries, err := t.onLeg(t.id())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(entries, unsettled)
	if i < 0 {
		return domain.Refuse(domain.WrongState, "leg %s has nothing to settle", t.id())
	}
	e := entries[i]
	if err := t.settleSlice(e); err != nil {
		return err
	}
	if e.book.Policies == 0 {
		t.finish(e)
	}
	t.commit(t.id(), entries)
	if slices.ContainsFunc(entries, unsettled) {
		t.next(t.id(), settleName)
	}
	return nil
}

func unsettled(e *entry) bool {
	return e.book.Decision.made() && e.book.CloseAt == 0 && !e.closed
}

// settleSlice settles the book's next policies and lowers the sums that they raised.
func (t *turn) settleSlice(e *entry) error {
	b := &e.book
	p, err := load[product](t, "product", b.Product)
	if err != nil {
		return err
	}
	prefix := "cover/" + t.id() + "/" + b.Product + "/"
	covers := t.view.Scan(prefix, "", SettleSlice)
	if int64(len(covers)) != min(b.Policies, SettleSlice) {
		return fmt.Errorf("settle %s: %d covers for %d policies", e.key, len(covers), b.Policies)
	}
	for _, cover := range covers {
		highest, err := t.settlePolicy(strings.TrimPrefix(cover.Key, prefix), b.Decision)
		if err != nil {
			return err
		}
		b.Exposure, b.Policies = b.Exposure-highest, b.Policies-1
		p.Locked, p.Policies = p.Locked-highest, p.Policies-1
	}
	e.changed = true
	t.putProduct(b.Product, p)
	return nil
}

// settlePolicy makes one policy final and gives the highest payout that it had locked. The
// money lands on the holder's account whatever became of the holder.
func (t *turn) settlePolicy(id string, d decision) (highest int64, err error) {
	p, err := load[policy](t, "policy", id)
	if err != nil {
		return 0, err
	}
	s := payoff(p, d, t.in.Now)
	if err := t.pay(id, p, s); err != nil {
		return 0, err
	}
	p.Settlement = &s
	t.close("policy/"+id, p, s.Outcome)
	t.close(coverKey(p, id), index{p.Insurer}, "closed")
	t.close(holderKey(p, id), index{p.Insurer}, "closed")
	t.event("PolicySettled", "policy/"+id, s, p.Holder, p.Insurer)
	return p.Payouts.Highest(), nil
}

// finish ends a book whose policies are all settled, at once or after its correction window.
func (t *turn) finish(e *entry) {
	correction := e.terms.Evidence.CorrectionMinutes
	if correction == 0 || e.book.Decision.Phase == void {
		t.closeBook(e)
		return
	}
	e.book.CloseAt = t.in.Now + minutes(correction)
}
