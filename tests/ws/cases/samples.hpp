// What is compressed: five kinds of data that pack differently well, made here so that no file needs to be kept.
#pragma once

#include <string>

namespace sluice::ws::cases {

const std::string& json_sample();
const std::string& picture_sample();
const std::string& prose_sample();
const std::string& page_sample();
const std::string& document_sample();

}  // namespace sluice::ws::cases
