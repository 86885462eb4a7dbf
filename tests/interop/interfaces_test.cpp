// One sluice on several devices of the kernel's: a TUN, a bridge, and a TUN in another namespace.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/interop/lan.hpp"

namespace sluice::interop {
namespace {

using Json = nlohmann::json;

std::size_t count_at(const Json& report, const char* what, const std::string& device) {
  const auto is_there = [&](const Json& one) { return one.at("device") == device; };
  return static_cast<std::size_t>(std::count_if(report.at(what).begin(), report.at(what).end(), is_there));
}

}  // namespace

TEST_CASE("a TUN and a bridge's port at the same time: each serves its own side") {
  LanLab lab;
  const std::string page = lab.file("index.html", noise(300'000));
  const auto server = lab.serve({"--http", "80", "--root", page.substr(0, page.rfind('/')), "--also",
                                 "--tap --bridge br0 --local 10.88.0.7/24 --mac 02:00:00:00:00:07"});
  REQUIRE(server->wait_for("address    added       10.88.0.7"));
  const std::string body = Lab::read(page);
  CHECK(lab.run({"curl", "-sS", "--max-time", "20", "http://10.77.0.2/"}).out == body);
  CHECK(lab.run({"curl", "-sS", "--max-time", "20", "http://10.88.0.7/"}).out == body);
  CHECK(lab.run({"ping", "-c", "1", "-W", "5", "10.77.0.2"}).status == 0);
  CHECK(lab.run({"ping", "-c", "1", "-W", "5", "10.88.0.7"}).status == 0);
  const Json seen = Json::parse(lab.sluice({"ip", lab.name(), "--json"}).out);
  REQUIRE(seen.at("devices").size() == 2);
  CHECK(seen.at("devices").at(1).at("mac") == "02:00:00:00:00:07");
  const std::string tap = seen.at("devices").at(1).at("device");
  CHECK(count_at(seen, "addresses", tap) == 2);  // its own, and a link-local one
  CHECK(count_at(seen, "neighbours", tap) >= 1);
  const Json stats = Json::parse(lab.sluice({"stats", lab.name(), "--json"}).out);
  CHECK(stats.at("counters").at("device_1").at("packets_in") > 0);
}

TEST_CASE("a device in another namespace: a host between two networks that forwards nothing") {
  Lab lab;
  OtherNamespace other(lab);
  const auto server =
      lab.serve({"--tcp-echo", "7", "--http", "80", "--root", lab.file(""), "--also",
                 "--netns " + other.process() + " --dev side0 --local 10.66.0.2/24 --mtu 9000 --route 10.67.0.0/16"});
  lab.file("index.html", noise(300'000));
  const std::string body = Lab::read(lab.file("index.html"));
  CHECK(other.run({"curl", "-sS", "--max-time", "20", "http://10.66.0.2/"}).out == body);
  CHECK(lab.run({"curl", "-sS", "--max-time", "20", "http://10.77.0.2/"}).out == body);
  const Json seen = Json::parse(lab.sluice({"ip", lab.name(), "--json"}).out);
  REQUIRE(seen.at("devices").size() == 2);
  CHECK(seen.at("devices").at(1).at("mtu") == 9000);
  CHECK(count_at(seen, "routes", seen.at("devices").at(1).at("device")) == 2);
  // Its other address is not for those on this side, and nothing is passed on.
  REQUIRE(other.run({"ip", "route", "add", "10.77.0.0/24", "via", "10.66.0.2"}).status == 0);
  CHECK(other.run({"curl", "-sS", "--max-time", "1", "http://10.77.0.2/"}).status == 28);
}

TEST_CASE("a client reaches servers on both sides, each by its own device") {
  Lab lab;
  OtherNamespace other(lab);
  const auto server = lab.start({"python3", "-u", "-m", "http.server", "-d", lab.file(""), "8000"});
  const auto second = lab.start(other.inside({"python3", "-u", "-m", "http.server", "-d", lab.file(""), "8000"}));
  lab.file("page", "here\n");
  REQUIRE(server->wait_for("Serving"));
  REQUIRE(second->wait_for("Serving"));
  const Finished got = lab.sluice({"get", "--also", "--netns " + other.process() + " --local 10.66.0.2/24", "--local",
                                   "10.55.0.2/24", "http://10.55.0.1:8000/page", "http://10.66.0.1:8000/page"});
  CHECK_MESSAGE(got.out == "here\nhere\n", got.err);
}

TEST_CASE("flags of a further interface that make no sense are one sentence and exit 2") {
  Lab lab;
  struct Mistake {
    const char* flags;
    const char* complaint;
  };
  for (const Mistake& mistake : {Mistake{"--bridge br0", "needs --tap"}, Mistake{"--nonsense", "--also"},
                                 Mistake{"--route 10.0.0.0", "NETWORK/LEN"}}) {
    CAPTURE(mistake.flags);
    const Finished done = lab.sluice({"serve", "--tcp-echo", "7", "--also", mistake.flags});
    CHECK(done.status == 2);
    CHECK_MESSAGE(done.err.find(mistake.complaint) != std::string::npos, done.err);
    CHECK(std::count(done.err.begin(), done.err.end(), '\n') <= 2);
  }
}

}  // namespace sluice::interop
