package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/internal/config"
)

const maxBody = 1 << 20

// ask sends one request and notes the server's clock.
func (e *examination) ask(ctx context.Context, method, target, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return 0, nil, reason(err)
	}
	req.Header.Set("Accept", "application/json")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	sent := e.Now()
	res, err := e.HTTP.Do(req)
	if err != nil {
		return 0, nil, reason(err)
	}
	defer func() { _ = res.Body.Close() }()
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		e.noteClock(config.HostOf(target), date, sent, time.Second)
	}
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxBody))
	return res.StatusCode, answer, reason(err)
}

// provider sends the requests by which a provider shows that its settings lead
// somewhere.
func (e *examination) provider(ctx context.Context, p config.Provider) []Result {
	name := p.Spec.Name
	if !p.Enabled() {
		return []Result{ok(name, "is not configured, so it is off")}
	}
	var results []Result
	var asked []string
	for _, probe := range p.Spec.Probes(p.Options(nil)) {
		asked = append(asked, p.URLs[probe.Setting])
		if r := e.probe(ctx, p, probe); r != nil {
			results = append(results, *r)
		}
	}
	if len(results) > 0 {
		return results
	}
	if len(asked) == 1 {
		return []Result{ok(name, "%s answers", asked[0])}
	}
	return []Result{ok(name, "%s answer", strings.Join(asked, " and "))}
}

// probe returns what is wrong with one setting, or nil.
func (e *examination) probe(ctx context.Context, p config.Provider, probe method.Probe) *Result {
	variable, configured := p.Variable(probe.Setting), p.URLs[probe.Setting]
	fail := func(fix, format string, args ...any) *Result {
		return &Result{p.Spec.Name, Fail, fmt.Sprintf(format, args...), fix}
	}
	status, body, err := e.ask(ctx, http.MethodGet, probe.URL, "")
	var document struct{ Issuer string }
	switch {
	case err != nil:
		return fail("allow Latchkey to connect to it, or correct "+variable, "%s cannot be reached: %v", configured, err)
	case status >= http.StatusInternalServerError, probe.Issuer != "" && status != http.StatusOK:
		return fail("correct "+variable+", or wait until "+p.Label+" is up again", "%s answers %d", probe.URL, status)
	case probe.NotFound != "" && status == http.StatusNotFound:
		return fail("correct "+variable+": "+probe.NotFound, "%s answers 404", probe.URL)
	case probe.Issuer == "":
		return nil
	case json.Unmarshal(body, &document) != nil:
		return fail("correct "+variable, "%s does not answer discovery with JSON", configured)
	case document.Issuer != probe.Issuer:
		return fail("write "+variable+" exactly as the issuer does", "%s says it is %.200q", configured, document.Issuer)
	}
	return nil
}

// chain asks each RPC endpoint of a chain for its chain id. An endpoint of another
// chain would verify wallets against other contracts.
func (e *examination) chain(ctx context.Context, chain uint64) []Result {
	name := "chain " + strconv.FormatUint(chain, 10)
	endpoints := e.cfg.EthereumRPC[chain]
	if len(endpoints) == 0 {
		return []Result{ok(name, "has no RPC endpoint: contract wallets cannot sign in on it, others can")}
	}
	var results []Result
	for _, endpoint := range endpoints {
		results = append(results, e.endpoint(ctx, name, chain, endpoint))
	}
	return results
}

func (e *examination) endpoint(ctx context.Context, name string, chain uint64, endpoint string) Result {
	host := config.HostOf(endpoint)
	fail := func(fix, format string, args ...any) Result {
		return Result{name, Fail, host + " " + fmt.Sprintf(format, args...), fix}
	}
	const correct = "correct its URL in LATCHKEY_ETHEREUM_RPC, or the key in it"
	status, body, err := e.ask(ctx, http.MethodPost, endpoint, `{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}`)
	if err != nil {
		return fail("allow Latchkey to connect to it, or name another endpoint in LATCHKEY_ETHEREUM_RPC", "cannot be reached: %v", err)
	}
	if status != http.StatusOK {
		return fail(correct, "answers %d", status)
	}
	var answer struct {
		Result string
		Error  *struct{ Message string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fail(correct, "does not answer in JSON-RPC")
	}
	if answer.Error != nil {
		return fail(correct, "answers with an error: %.200q", answer.Error.Message)
	}
	got, err := strconv.ParseUint(strings.TrimPrefix(answer.Result, "0x"), 16, 64)
	if err != nil || !strings.HasPrefix(answer.Result, "0x") {
		return fail(correct, "answers %.40q, which is not a chain id", answer.Result)
	}
	if got != chain {
		return fail(fmt.Sprintf("name it as %d=... in LATCHKEY_ETHEREUM_RPC, or an endpoint of chain %d here", got, chain), "is on chain %d", got)
	}
	return ok(name, "%s is on it", host)
}
