package flightdelay

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"aval/domain"
)

// told is a story in which every class of record is written and every event is told, all of it about alice.
func told(t *testing.T) *stage {
	t.Helper()
	s := newStage(t, func(terms *Terms) { terms.Evidence.CorrectionMinutes = 24 * 60 })
	s.Register("auditor", domain.RoleAuditor)
	s.Register("member", domain.RoleMember)
	s.must(s.Send(sold-day, "insurer", Kind, "P", "withdraw", Amount{usd(1_00)}))
	s.must(s.Send(sold-day, "insurer", Kind, "P", "pause", nil))
	s.must(s.Send(sold-day, "insurer", Kind, "P", "resume", nil))
	s.must(s.Send(sold-day, "insurer", Kind, "P", "list", List{[]Leg{theLeg()}}))
	s.must(s.Send(sold, "alice", Kind, "Q1", "quote", Quote{"P", theLeg()}))
	s.Advance(sold + 2*day)
	s.must(s.Send(sold+2*day, "alice", Kind, "Q2", "quote", Quote{"P", theLeg()}))
	s.must(s.bind(sold+2*day, "alice", "PA", theLeg()))
	s.must(s.report(out+hour, "avia", domain.FlightStatus{Phase: domain.FlightUnknown, Reason: "unreachable"}))
	for _, late := range []domain.Millis{hour, 3 * hour} {
		f := landed(late)
		f.Leg, f.FetchedAt = legKey, in+4*hour
		s.must(s.Observe(in+4*hour, domain.Observation{
			Kind: Kind, Subject: legKey, Holder: "avia", KeyID: "avia-2", Epoch: 2, Sequence: 1, ObservedAt: in + 4*hour, Flight: &f,
		}))
	}
	s.landBy(3*hour, "cirium", "aero")
	s.must(s.report(s.Now()+hour, "aero", landed(0)))
	s.Advance(s.Now() + 3*day)
	return s
}

// fields joins the paths of what stands under each prefix.
func fields(parts ...string) string {
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

func under(prefix string, names ...string) (all []string) {
	for _, name := range names {
		all = append(all, prefix+name)
	}
	return all
}

var (
	legFields      = under("leg.", "carrier", "date", "destination", "number", "origin", "scheduledIn", "scheduledOut")
	payoutNames    = []string{"cancelled", "currency", "diverted", "premium", "tiers[].amount", "tiers[].fromMinutes"}
	evidenceNames  = []string{"cancelledAfterMinutes", "correctionMinutes", "divertedAfterMinutes", "quorum", "skewMinutes", "sources[]", "staleMinutes", "toleranceMinutes", "voidAfterMinutes", "waitMinutes"}
	termFields     = slices.Concat(under("terms.evidence.", evidenceNames...), under("terms.payouts.", payoutNames...), under("terms.polls[].", "anchor", "everyMinutes", "offsetMinutes"), under("terms.sale.", "closesMinutes", "maxPerHolder", "maxPerLeg", "maxTotal", "opensMinutes", "quoteMinutes", "scheduleToleranceMinutes", "statedSchedule"))
	soldFields     = slices.Concat(legFields, under("payouts.", payoutNames...), under("evidence.", evidenceNames...), []string{"holder", "insurer", "product", "legKey"})
	settledNames   = []string{"amount.currency", "amount.minor", "at", "minutes", "outcome", "phase", "reports[]", "tier"}
	reportedFields = []string{"family", "minutes", "phase", "report", "source"}

	// ofPolicy is what a holder and the insurer see of a sale, each field of it theirs.
	ofPolicy = map[string]string{
		"quote":               fields(append(soldFields[:len(soldFields):len(soldFields)], "expiresAt", "givenAt")...),
		"policy":              fields(slices.Concat(soldFields, []string{"boundAt"}, under("settlement.", settledNames...))...),
		"event QuoteGiven":    "highest.currency highest.minor premium.currency premium.minor until",
		"event QuoteExpired":  "",
		"event PolicyBound":   "highest.currency highest.minor leg premium.currency premium.minor product scheduledIn scheduledOut",
		"event PolicySettled": fields(slices.Clone(settledNames)...),
	}
	// ofInsurer is what the insurer sees beside: its product, its book of a leg, what was reported on it.
	ofInsurer = map[string]string{
		"product": fields(slices.Concat(termFields, []string{"insurer", "locked", "offeredAt", "paused", "policies", "quoted"})...),
		"leg": fields(slices.Concat(legFields, under("decision.", "at", "families[]", "in", "phase", "reports[]"),
			under("reports[].", "actualIn", "count", "epoch", "family", "fetchedAt", "fingerprint", "phase", "sequence", "source"),
			[]string{"closeAt", "exposure", "faults[]", "insurer", "late", "policies", "product", "quoted", "reported", "unknowns", "voidAt", "waitUntil"})...),
		"event ProductOffered":   fields(slices.Clone(termFields)...),
		"event ReserveAdded":     "amount.currency amount.minor",
		"event ReserveWithdrawn": "amount.currency amount.minor",
		"event SalePaused":       "",
		"event SaleResumed":      "",
		"event LegListed":        "carrier date destination number origin scheduledIn scheduledOut",
		"event LegReported":      fields(append(reportedFields[:len(reportedFields):len(reportedFields)], "reason")...),
		"event LateReport":       fields(slices.Clone(reportedFields)...),
		"event SourceFaulted":    "report source",
		"event LegDecided":       "families[] minutes phase policies reports[]",
		"event LegClosed":        "",
	}
	// ofAuditor is what only an auditor of everything sees: records that put others in order.
	ofAuditor = map[string]string{"cover": "insurer", "holder": "insurer", "quoted": "insurer"}
)

func both(maps_ ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range maps_ {
		maps.Copy(all, m)
	}
	return all
}

// TestWhoSeesWhichField: each class of record and each event, field by field, for every role. Under a grant
// one sees what its granter does.
func TestWhoSeesWhichField(t *testing.T) {
	s := told(t)
	for viewer, want := range map[domain.PartyID]map[string]string{
		"alice":   ofPolicy,
		"insurer": both(ofPolicy, ofInsurer),
		"":        both(ofPolicy, ofInsurer, ofAuditor), // an auditor whom governance granted all
		"bob":     {}, "carol": {}, "rival": {}, "oracle": {}, "auditor": {}, "member": {},
	} {
		got := s.Sight(Kind, viewer)
		for what := range both(got, want) {
			g, seen := got[what]
			if w, wanted := want[what]; g != w || seen != wanted {
				t.Errorf("%q sees of %s:\n%s (%v)\nwant\n%s (%v)", viewer, what, g, seen, w, wanted)
			}
		}
	}
}
