package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A flag goes before the environment, which goes before the file, which goes before the
// default; what is printed is a file of settings.
func TestSettingsComeFromFlagEnvironmentAndFile(t *testing.T) {
	c := newCLI(t)
	c.env = map[string]string{}
	dir := t.TempDir()
	file := filepath.Join(dir, "engram.yaml")
	writeFile(t, file, []byte("rate: 5\nmax-k: 50\nsearch-timeout: 3s\ncors: [https://a.example, https://b.example]\nimage-urls: true\nindex: a.index\n"))
	c.env["ENGRAM_MAX_K"], c.env["ENGRAM_SEARCH_TIMEOUT"], c.env["ENGRAM_CONFIG"] = "60", "4s", file
	printed := c.must("serve", "--print-config", "--search-timeout", "5s")
	for _, want := range []string{
		"rate: 5.0 # " + file, "max-k: \"60\" # ENGRAM_MAX_K", "search-timeout: 5s # flag", "max-waiting: \"1024\" # default",
		"cors: [https://a.example, https://b.example] # " + file, "image-urls: \"true\" # " + file, "index: a.index # " + file,
	} {
		want = strings.NewReplacer(`"`, "", "5.0", "5").Replace(want)
		if got := strings.NewReplacer(`"`, "").Replace(printed); !strings.Contains(got, want+"\n") {
			t.Errorf("the settings lack %q:\n%s", want, got)
		}
	}
	delete(c.env, "ENGRAM_MAX_K")
	delete(c.env, "ENGRAM_SEARCH_TIMEOUT")
	again := filepath.Join(dir, "printed.yaml")
	writeFile(t, again, []byte(printed))
	values := func(text string) (lines []string) {
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(line, " # ")
			lines = append(lines, line)
		}
		return lines
	}
	if second := c.must("serve", "--print-config", "--config", again); !slices.Equal(values(printed), values(second)) {
		t.Errorf("what was printed is read as\n%s", second)
	}
	for text, want := range map[string]string{
		"colour: red\n": `no setting "colour"`, "rate: [[1]]\n": "wanted a word", "rate: fast\n": `rate is "fast"`, "config: x\n": `no setting "config"`, "a": "wanted YAML",
	} {
		writeFile(t, file, []byte(text))
		c.refuse([]string{want}, "serve", "--print-config")
	}
}

func TestKeysOfAServer(t *testing.T) {
	c := newCLI(t)
	file := filepath.Join(t.TempDir(), "keys.json")
	secret := strings.TrimSpace(c.must("key", "create", "page", "--keys", file))
	c.must("key", "create", "loader", "--role", "write", "--keys", file)
	s := c.serve(writePhotos(t), "--keys", file)
	status := func(key string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v1/info", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+key)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	if with, without := status(secret), status(""); with != 200 || without != 401 {
		t.Errorf("status %d with a key and %d without", with, without)
	}
	if list := c.must("key", "list", "--keys", file); !strings.Contains(list, "page") || !strings.Contains(list, "write") || strings.Contains(list, secret) {
		t.Errorf("the list is\n%s", list)
	}
	c.must("key", "revoke", "page", "--keys", file)
	if got := status(secret); got != 401 {
		t.Errorf("status %d with a key that was revoked", got)
	}
	for _, args := range [][]string{{"key", "create", "x", "--role", "root", "--keys", file}, {"key", "revoke", "page", "--keys", file}, {"serve", "--keys", file + ".no", "--index", "x"}} {
		c.refuse(nil, args...)
	}
}

// A server with a certificate speaks TLS and HTTP/2, and its admin listener answers.
func TestServeWithTLSAndAdmin(t *testing.T) {
	c := newCLI(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pool := writeCertificate(t, cert, key)
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	admin := free.Addr().String()
	free.Close()
	photos := writePhotos(t)
	s := c.serve(photos, "--tls-cert", cert, "--tls-key", key, "--admin-addr", admin, "--batch", "image")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	response, err := client.Get(s.url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 || response.ProtoMajor != 2 {
		t.Errorf("status %d by %s", response.StatusCode, response.Proto)
	}
	photo, err := os.Open(filepath.Join(photos, "p03.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer photo.Close()
	response, err = client.Post(s.url+"/v1/search", "image/png", photo)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("a search by a photo: status %d", response.StatusCode)
	}
	for _, want := range []string{`route="/healthz"`, `engram_model_batch_size_count{use="image"} 1`} {
		// A request is counted when it has been answered.
		for began := time.Now(); !strings.Contains(counters(t, admin), want); time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > 20*time.Second {
				t.Fatalf("the counters are %s, wanted %s", counters(t, admin), want)
			}
		}
	}
	c.refuse([]string{`--batch has "words", wanted some of image, text, decoder, or none`}, "serve", photos, "--batch", "words")
	c.refuse([]string{"together"}, "serve", writePhotos(t), "--tls-cert", cert)
	c.refuse([]string{"TLS"}, "serve", writePhotos(t), "--tls-cert", cert, "--tls-key", cert)
}

// counters returns what an admin listener shows to Prometheus.
func counters(t *testing.T, admin string) string {
	t.Helper()
	response, err := http.Get("http://" + admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Spans go to the collector that OpenTelemetry's variable names, and to nobody else.
func TestTracesGoToTheCollector(t *testing.T) {
	c := newCLI(t)
	c.env = map[string]string{}
	got := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.URL.Path + " " + string(body)
	}))
	defer collector.Close()
	c.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.URL
	s := c.serve(writePhotos(t))
	response, err := http.Get(s.url + "/v1/items")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	s.stop()
	select {
	case text := <-got:
		if !strings.HasPrefix(text, "/v1/traces ") || !strings.Contains(text, "GET /v1/items") {
			t.Errorf("the collector got %q", text)
		}
	default:
		t.Error("the collector got nothing")
	}
}

// writeCertificate writes a certificate of 127.0.0.1, and returns who trusts it.
func writeCertificate(t *testing.T, cert, key string) *x509.CertPool {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "engram"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	writeFile(t, cert, certPEM)
	writeFile(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return pool
}

// A local server answers requests for localhost and for the names given by --hosts. It refuses
// other names.
func TestServeIsAskedByItsNames(t *testing.T) {
	c := newCLI(t)
	photos := writePhotos(t)
	s := c.serve(photos, "--hosts", "Photos.example.com", "--trusted-proxies", "10.0.0.0/8,::1")
	for host, want := range map[string]int{"localhost": 200, "photos.example.com:8080": 200, "evil.example": 403} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v1/info", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("by the name %s: status %d, wanted %d", host, response.StatusCode, want)
		}
	}
	c.refuse([]string{"--trusted-proxies", "proxy.example"}, "serve", photos, "--trusted-proxies", "proxy.example")
}
