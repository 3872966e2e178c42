package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	defaultEndpoint = "http://localhost:4318"
	tracesPath      = "/v1/traces"
	defaultTimeout  = 10 * time.Second
)

// settings are where traces are sent.
type settings struct {
	url     string
	headers map[string]string
	timeout time.Duration
	gzip    bool
	client  *http.Client
}

// Wrong is a variable that cannot be used. Its text names it and says what it is.
type Wrong struct{ err error }

func (w *Wrong) Error() string { return w.err.Error() }

// Unwrap returns what is wrong with a file that the variable names, if that is it.
func (w *Wrong) Unwrap() error { return w.err }

func wrong(format string, args ...any) error { return &Wrong{fmt.Errorf(format, args...)} }

// read reads the variables of an OTLP exporter
// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/). It returns nil where they
// turn traces off, as no variable does. Those of the sampler, of batches and of the
// resource, the SDK reads itself.
func read(getenv func(string) string) (*settings, error) {
	of := func(name string) (value, from string) { // the one for traces goes before the one for all signals
		for _, prefix := range []string{"OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"} {
			if v := strings.TrimSpace(getenv(prefix + name)); v != "" {
				return v, prefix + name
			}
		}
		return "", ""
	}
	endpoint, from := of("ENDPOINT")
	exporter := strings.TrimSpace(getenv("OTEL_TRACES_EXPORTER"))
	switch {
	case strings.EqualFold(strings.TrimSpace(getenv("OTEL_SDK_DISABLED")), "true"), exporter == "none", exporter == "" && endpoint == "":
		return nil, nil
	case exporter != "" && exporter != "otlp":
		return nil, wrong("OTEL_TRACES_EXPORTER: %q is not supported; it is otlp or none", exporter)
	case endpoint == "":
		endpoint = defaultEndpoint
	}
	if protocol, name := of("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		return nil, wrong("%s: %q is not supported; it is http/protobuf, which collectors take on port 4318", name, protocol)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, wrong("%s: it is a URL of http or https, such as http://collector:4318", from)
	}
	if from != "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" {
		u = u.JoinPath(tracesPath)
	}
	s := &settings{url: u.String(), headers: map[string]string{}, timeout: defaultTimeout}
	text, name := of("HEADERS")
	for pair := range strings.SplitSeq(text, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || key == "" || err != nil {
			return nil, wrong("%s: it is NAME=VALUE, comma separated, values encoded as in a URL", name)
		}
		s.headers[key] = value
	}
	if text, name := of("TIMEOUT"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			return nil, wrong("%s: it is a number of milliseconds", name)
		}
		s.timeout = time.Duration(n) * time.Millisecond
	}
	switch text, name := of("COMPRESSION"); text {
	case "", "none":
	case "gzip":
		s.gzip = true
	default:
		return nil, wrong("%s: %q is not supported; it is gzip or none", name, text)
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: s.timeout}
	if transport.TLSClientConfig, err = readTLS(of); err != nil {
		return nil, err
	}
	s.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s, nil
}

func readTLS(of func(string) (string, string)) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if file, name := of("CERTIFICATE"); file != "" {
		pem, err := os.ReadFile(file) //nolint:gosec // the operator's own path
		if err != nil {
			return nil, wrong("%s: %w", name, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, wrong("%s: %s has no certificate", name, file)
		}
	}
	certificate, name := of("CLIENT_CERTIFICATE")
	key, keyName := of("CLIENT_KEY")
	if (certificate == "") != (key == "") {
		return nil, wrong("%s%s: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY are set together", name, keyName)
	}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, wrong("%s: %w", name, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
