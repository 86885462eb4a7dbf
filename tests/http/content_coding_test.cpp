// Accept-Encoding: weights, wildcards, and what is left out.
#include "http/content_coding.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sluice::http;

namespace {

std::string accepted(const char* value) {
  Fields fields;
  fields.add("Accept-Encoding", value);
  std::string names;
  for (const Coding coding : accepted_codings(fields)) names.append(coding_name(coding)).append(" ");
  return names;
}

}  // namespace

TEST_CASE("codings are taken by weight, and compressed ones first among equals [RFC 9110 12.5.3]") {
  CHECK(accepted("gzip, br") == "br gzip identity ");
  CHECK(accepted("gzip;q=1.0, br;q=0.9") == "gzip br identity ");
  CHECK(accepted("GZIP ; Q=0.5,\tbr;q=0.501") == "br gzip identity ");
  CHECK(accepted("x-gzip") == "gzip identity ");
  CHECK(accepted("gzip;q=0.5, identity") == "identity gzip ");
  CHECK(accepted("gzip;q=0.001") == "gzip identity ");
  CHECK(accepted("deflate, zstd") == "identity ");
}

TEST_CASE("a star stands for all that is not named, identity too [RFC 9110 12.5.3]") {
  CHECK(accepted("*") == "br gzip identity ");
  CHECK(accepted("*;q=0.5, gzip") == "gzip br identity ");
  CHECK(accepted("br;q=0, *") == "gzip identity ");
  CHECK(accepted("*;q=0") == "");
  CHECK(accepted("*;q=0, identity;q=0.1") == "identity ");
  CHECK(accepted("gzip, identity;q=0") == "gzip ");
}

TEST_CASE("an absent or empty list means identity, and a weight that can't be read nothing") {
  CHECK(accepted_codings({}) == std::vector{Coding::identity});
  CHECK(accepted("") == "identity ");
  CHECK(accepted(", ,") == "identity ");
  for (const char* weight : {"2", "1.1", "0.1234", "-1", "x", "", "0,5", ".5", "1.0000", "01"})
    CHECK(accepted((std::string("gzip;q=") + weight).c_str()) == "identity ");
  CHECK(accepted("gzip;level=9") == "identity ");
}
